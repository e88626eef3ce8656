"""Training examples cut from the token files of prepare.py: span corruption, gap filling, summaries and titles, in batches.

Everything works on token ids. An example is (source, target, task), both ending with </s>.
"""
import numpy as np

EOS, FIRST_SENTINEL, FIRST_LAYOUT, FIRST_MARK = 1, 32099, 32100, 32120
TASKS = ("span", "copy", "infill", "summary", "title")
MARK_SIZES = np.array([1, 2, 4, 8, 16, 32])
SOURCE, TARGET = 512, 128
WORD, LAYOUT, LINE, PUNCTUATION, STOP, FUNCTION, CAPITAL, LOWER = (1 << i for i in range(8))


def piece_kinds(tokenizer, counts):
    """What each id is, as bits. Function words are the 150 most frequent word pieces."""
    kinds = np.zeros(32128, np.uint8)
    for i in range(32128):
        piece = tokenizer.id_to_token(i) or ""
        text = piece.lstrip("▁")
        if FIRST_LAYOUT <= i < FIRST_MARK:
            kinds[i] |= LAYOUT | (LINE if "\n" in piece else 0)
            continue
        if piece.startswith("▁"):
            kinds[i] |= WORD | (CAPITAL if text[:1].isupper() else 0)
        elif text.isalpha() and text.islower():
            kinds[i] |= LOWER
        if text and not any(ch.isalnum() for ch in text):
            kinds[i] |= PUNCTUATION | (STOP if text[0] in ".!?" else 0)
    words = [i for i in np.argsort(-counts) if kinds[i] & WORD and (tokenizer.id_to_token(i)[1:] or "?").isalpha()]
    kinds[words[:150]] |= FUNCTION
    return kinds


def word_starts(ids, kinds):
    """True where a word begins: a piece with "▁", or whatever follows layout; layout itself is no word."""
    layout = kinds[ids] & LAYOUT > 0
    starts = (kinds[ids] & WORD > 0) & ~layout
    starts[1:] |= layout[:-1] & ~layout[1:]
    return starts


def partition(rng, total, parts):
    """Random positive lengths that sum to total."""
    cuts = np.sort(rng.choice(total - 1, parts - 1, replace=False)) + 1 if parts > 1 else []
    return np.diff(np.concatenate([[0], cuts, [total]])).astype(int)


class Mixture:
    """Draws examples; `shares` are the tasks' parts of the source tokens."""

    def __init__(self, prepared, tokenizer, split="train", seed=0):
        name = {"train": "corpus", "valid": "corpus-valid"}[split]
        self.tokens = np.fromfile(f"{prepared}/{name}.bin", np.uint16)
        self.offsets = np.load(f"{prepared}/{name}.offsets.npy")
        with np.load(f"{prepared}/pairs-{split}.npz") as pairs:
            self.pairs = {key: pairs[key] for key in pairs.files}
        counts = np.bincount(self.tokens[:20_000_000], minlength=32128)
        self.frequency, self.kinds = counts, piece_kinds(tokenizer, counts)
        self.rng = np.random.default_rng(seed)
        # The share of gap examples whose last gap stands where a person would be writing, and the kinds of that gap. Validation keeps the
        # shares of the first runs, so that its figures can be compared.
        self.writes = split == "train"
        self.cursor, self.cursor_kinds = (0.3, [0.2, 0.2, 0.1, 0.5]) if self.writes else (0.15, [0.25, 0.45, 0.3, 0.0])
        encode = lambda text: np.array(tokenizer.encode(text, add_special_tokens=False).ids)
        self.prefix = {"infill": encode("infill:"), "summary": encode("summarize:"), "title": encode("title:")}
        self.hash, self.blank = encode("# A")[:1], encode("\n\n")
        weight = self.pairs["weight"] / self.pairs["weight"].sum()
        self.pair_ends, self.drawn = np.cumsum(weight), {task: 0 for task in TASKS}
        self.leads = 0.1   # share of the summaries that are a section's first sentence
        self.find_headings(encode)
        self.capitals = np.flatnonzero(self.kinds & CAPITAL)[200:]
        self.lowers = np.flatnonzero(self.kinds & LOWER)

    def find_headings(self, encode):
        """Where "# ", "## " and "### " headings stand in the corpus: (position after the marks, level)."""
        t, found = self.tokens, []
        after_line = np.concatenate([[True], self.kinds[t[:-1]] & LINE > 0])
        after_line[self.offsets[:-1]] = True
        for level in (1, 2, 3):
            mark = encode("#" * level + " A")[:-1]
            at = after_line[:-4].copy()
            for i, piece in enumerate(mark):
                at &= t[i:len(at) + i] == piece
            at &= self.kinds[t[len(mark):len(at) + len(mark)]] & WORD > 0
            found.append(np.stack([np.flatnonzero(at) + len(mark), np.full(at.sum(), level)], 1))
        found = np.concatenate(found)
        self.headings = found[np.argsort(found[:, 0])]

    # Windows

    def window(self, low=24, high=SOURCE - 16):
        """A piece of a document: from a line's or sentence's start, its length log-uniform, mostly to a sentence's end."""
        rng = self.rng
        while True:
            at = int(rng.integers(len(self.tokens)))
            doc = np.searchsorted(self.offsets, at, "right") - 1
            begin, end = self.offsets[doc], self.offsets[doc + 1]
            length = int(np.exp(rng.uniform(np.log(low), np.log(high))))
            at = begin if rng.random() < 0.1 else max(begin, min(at, end - length))
            area = self.tokens[at:min(at + length + 100, end)].astype(np.int64)
            k = self.kinds[area]
            kind = LINE if rng.random() < 0.6 else STOP | LINE
            ends = np.flatnonzero(k & kind) + 1
            first = 0 if at == begin else int(ends[0]) if len(ends) and ends[0] < 100 else 0
            ids, k = area[first:first + length], k[first:first + length]
            ends = np.flatnonzero(k & (STOP | LINE)) + 1
            if rng.random() < 0.75 and len(ends) and ends[-1] >= 0.5 * length:
                ids = ids[:ends[-1]]
            else:
                starts = np.flatnonzero(word_starts(ids, self.kinds))
                ids = ids[:starts[-1]] if len(starts) else ids
            while len(ids) and self.kinds[ids[-1]] & LAYOUT:
                ids = ids[:-1]
            if len(ids) >= low * 0.5 and (self.kinds[ids] & WORD > 0).mean() > 0.25:
                return ids

    # Tasks

    def join(self, ids, gaps, marks, prefix):
        """Replaces the gaps [(begin, end)] by sentinels; marks[i] tells whether gap i shows its length."""
        source, target, at = [prefix], [], 0
        for i, (a, b) in enumerate(gaps):
            source += [ids[at:a], [FIRST_SENTINEL - i]]
            if marks[i]:
                fill = ids[a:b]
                count = max(1, int(word_starts(fill, self.kinds).sum()))
                source.append([FIRST_MARK + int(np.searchsorted(MARK_SIZES, count, "right")) - 1])
            target += [[FIRST_SENTINEL - i], ids[a:b]]
            at = b
        source += [ids[at:], [EOS]]
        target += [[FIRST_SENTINEL - len(gaps)], [EOS]]
        return np.concatenate(source).astype(np.int64), np.concatenate(target).astype(np.int64)

    def span(self):
        rng = self.rng
        mean, density = (3, 0.15) if rng.random() < 0.6 else (rng.choice([8, 16, 32]), rng.uniform(0.15, 0.5))
        ids = self.window(64, min(SOURCE - 4, int((TARGET - 30 if mean == 3 else TARGET - 16) / density)))
        noise = max(1, round(len(ids) * density))
        parts = max(1, min(round(noise / mean), noise, len(ids) - noise, 60))
        kept, lost = partition(rng, len(ids) - noise, parts), partition(rng, noise, parts)
        ends = np.cumsum(np.stack([kept, lost], 1).ravel())
        gaps = [(int(ends[2 * i]), int(ends[2 * i + 1])) for i in range(parts)]
        return self.join(ids, gaps, [False] * parts, [])

    def copy(self):
        """Gaps in a passage that stands a second time, whole, before or after it: what fills them is there to be copied."""
        rng = self.rng
        ids = self.window(24, 200)
        ids = self.rename(ids, ids)[0] if rng.random() < 0.5 else ids
        starts = np.flatnonzero(word_starts(ids, self.kinds))
        if len(starts) < 8 or len(ids) > 230:
            return self.copy()
        gaps, at = [], int(rng.integers(0, 4))
        longest = int(rng.choice([2, 8, 24]))
        while at < len(starts) - 1 and sum(b - a + 1 for a, b in gaps) < 60:
            stop = min(at + int(rng.integers(1, longest + 1)), len(starts) - 1)
            gaps.append((int(starts[at]), int(starts[stop])))
            at = stop + int(rng.integers(2, 10))
        gaps = [g for g in gaps if g[1] - g[0] < 60]
        if not gaps or sum(b - a + 1 for a, b in gaps) > TARGET - 3:
            return self.copy()
        whole = np.concatenate([ids, self.blank])
        if rng.random() < 0.5:   # whole, gapped
            gaps, ids = [(a + len(whole), b + len(whole)) for a, b in gaps], np.concatenate([whole, ids])
        else:
            ids = np.concatenate([ids, self.blank, ids])
        return self.join(ids, gaps, [False] * len(gaps), self.prefix["infill"])

    def gap(self, ids, k, starts, s, kind):
        """The end of a gap of this kind that begins at word start s, or None where it makes no good gap."""
        rng = self.rng
        later = starts[starts > s]
        lines = np.flatnonzero(k[s:] & LINE)
        line = s + int(lines[0]) if len(lines) else len(ids)
        if kind in ("word", "phrase"):
            count = 1 if kind == "word" else int(rng.integers(2, 8))
            through = rng.random() < 0.2
            e, done = s, 0
            while done < count and e < line:
                begin = e
                e = int(later[done]) if done < len(later) else len(ids)
                e = min(e, line)
                done += 1
                if k[e - 1] & (PUNCTUATION | LAYOUT) and not (through and done < count):
                    break
            while e > s and k[e - 1] & (PUNCTUATION | LAYOUT):
                e -= 1
            bare = s + 1 if ids[s] == 3 else s   # a "▁" that stands alone before a character
            return e if e > bare and not k[bare] & PUNCTUATION else None
        if kind == "rest":
            most = int(rng.integers(16, 112))
            e = len(ids) if len(ids) <= s + most else int(starts[starts <= s + most][-1])
            return e if e > s else None
        stops = np.flatnonzero(k[s:line] & STOP)
        stops = [p for p in stops if s + p + 1 == line or k[s + p + 1] & (WORD | LAYOUT)]
        e = s + int(stops[0]) + 1 if kind == "sentence" and len(stops) else line
        return e if s < e <= s + 100 else None

    def infill(self):
        rng = self.rng
        cursor = rng.random() < self.cursor
        while True:
            dense = not cursor and rng.random() < 0.85
            ids = self.window(40, 256) if dense else self.window(16 if rng.random() < 0.3 else 48)
            k = self.kinds[ids]
            starts = np.flatnonzero(word_starts(ids, self.kinds))
            if len(starts) < 4:
                continue
            content = starts[(k[starts] & FUNCTION) == 0]
            after_stop = np.flatnonzero(k[:-1] & (STOP | LINE)) + 1
            sentence_starts = np.intersect1d(np.append(after_stop, 0), starts)
            most = 3 if len(ids) < 100 or rng.random() < 0.5 else 10
            count = int(rng.integers(1, min(most, 1 + len(starts) // 6) + 1))
            if dense:
                count = max(1, int(len(starts) / rng.uniform(4, 9)))
            gaps, room = [], TARGET - 4
            if cursor:
                s = int(rng.choice(starts[len(starts) // 3:]))
                kind = rng.choice(["phrase", "sentence", "line", "rest"], p=self.cursor_kinds)
                e = self.gap(ids, k, starts, s, kind)
                if e is None:
                    continue
                after = 0 if rng.random() < 0.6 else int(rng.integers(1, 130 if self.writes and rng.random() < 0.5 else 24))
                ids, k = ids[:e + after], k[:e + after]
                gaps, room, count = [(s, e)], room - (e - s) - 1, int(rng.integers(0, 2)) if most == 3 else count // 2
            limit = gaps[0][0] if gaps else len(ids)
            for _ in range(count):
                kind = rng.choice(["word", "phrase", "sentence", "line"], p=[0.8, 0.2, 0, 0] if dense else [0.4, 0.33, 0.17, 0.1])
                pool = starts if kind != "sentence" else sentence_starts
                if kind == "word" and rng.random() < 0.5 and len(content):
                    pool = content
                s = int(rng.choice(pool)) if len(pool) else 0
                e = self.gap(ids, k, starts, s, kind) if s < limit else None
                apart = e is not None and all(e < a or s > b for a, b in gaps)
                if apart and e < limit + (not cursor) and e - s < room and e - s < 0.6 * len(ids):
                    gaps.append((s, e))
                    room -= e - s + 1
            if gaps and sum(b - a for a, b in gaps) < 0.8 * len(ids):
                gaps.sort()
                shown = rng.random()
                marks = [shown < 0.55 or (shown < 0.65 and rng.random() < 0.5) for _ in gaps]
                return self.join(ids, gaps, marks, self.prefix["infill"])

    def field(self, name, i):
        a, b = self.pairs[f"{name}_offsets"][i:i + 2]
        return self.pairs[name][a:b].astype(np.int64)

    def section(self):
        """A heading of the corpus (its words) and the text below it, or None where that is no section."""
        h = int(self.rng.integers(len(self.headings)))
        at, level = self.headings[h]
        stop = self.offsets[np.searchsorted(self.offsets, at, "right")]
        for other, deeper in self.headings[h + 1:h + 30]:
            if other < stop and deeper <= level:
                stop = other - deeper
                break
        text = self.tokens[at:min(at + SOURCE + 40, stop)].astype(np.int64)
        lines = np.flatnonzero(self.kinds[text] & LINE)
        return (text[:lines[0]], text[lines[0] + 1:]) if len(lines) else None

    def lead(self):
        """A section of the corpus with its first sentence as the summary: how to find and copy one."""
        while True:
            title, body = self.section() or ((), ())
            while len(body) and self.kinds[body[0]] & LAYOUT:
                body = body[1:]
            if len(body) < 48:
                continue
            k = self.kinds[body]
            ends = [p + 1 for p in np.flatnonzero(k[:60][:-1] & STOP) if k[p + 1] & (WORD | LAYOUT)]
            line = np.flatnonzero(k[:60] & LINE)
            if ends and ends[0] >= 8 and not (len(line) and line[0] < ends[0]) and (k[:ends[0]] & WORD > 0).mean() > 0.4:
                return title, body, body[:ends[0]]

    def described(self):
        i = int(np.searchsorted(self.pair_ends, self.rng.random() * self.pair_ends[-1]))
        return self.field("title", i), self.field("text", i), self.field("summary", i)

    def summary(self):
        rng = self.rng
        title, body, said = self.lead() if rng.random() < self.leads else self.described()
        if not 0 < len(said) < TARGET:
            return self.summary()
        head = [self.hash, title[:40], self.blank] if len(title) and rng.random() < 0.6 else []
        head = np.concatenate([self.prefix["summary"], *head])
        body = body[:self.body_length() - len(head)]
        return self.finish(head, body, said)

    def title(self):
        rng = self.rng
        title, body = (self.described()[:2] if rng.random() < 0.4 else self.section()) or ((), ())
        body = body[:self.body_length() - 4]
        if not 0 < len(title) <= 30 or len(body) < 20:
            return self.title()
        return self.finish(self.prefix["title"], body, title)

    def body_length(self):
        return SOURCE if self.rng.random() < 0.2 else int(self.rng.integers(96, 320))

    def finish(self, head, body, target):
        while len(body) and self.kinds[body[-1]] & LAYOUT:
            body = body[:-1]
        source, target = np.concatenate([head, body[:SOURCE - 1 - len(head)]]), target[:TARGET - 1]
        if self.rng.random() < 0.4:
            source, target = self.rename(source, target)
        return np.append(source, EOS)[:SOURCE], np.append(target, EOS)[:TARGET]

    def words(self, ids):
        """The ids as tuples, one a word, trailing punctuation apart."""
        out = []
        for word in np.split(ids, np.flatnonzero(word_starts(ids, self.kinds) | (self.kinds[ids] & (LAYOUT | PUNCTUATION) > 0))):
            out.append(tuple(word.tolist()))
        return out

    def rename(self, source, target):
        """Swaps a name of several pieces that stands in both for a made-up one, so that names are copied, not recalled."""
        rng, s, t = self.rng, self.words(source), self.words(target)
        names = [w for w in set(s) & set(t) if len(w) > 1 and self.kinds[w[0]] & CAPITAL]
        if not names:
            return source, target
        name = names[int(rng.integers(len(names)))]
        made = (int(rng.choice(self.capitals)), *map(int, rng.choice(self.lowers, int(rng.integers(1, 4)))))
        swap = lambda words: np.array([i for w in words for i in (made if w == name else w)])
        return swap(s), swap(t)

    # Batches

    def examples(self, shares, source_tokens):
        """Examples of about that many source tokens in all, each task at its share."""
        out, total = [], 0
        drawn = {task: 0 for task in TASKS}
        while total < source_tokens:
            task = min((t for t in TASKS if shares[t] > 0), key=lambda t: (drawn[t] + 100 * self.rng.random()) / shares[t])
            source, target = getattr(self, task)()
            out.append((source, target, task))
            drawn[task] += len(source)
            total += len(source)
        return out

    def batches(self, shares, source_tokens, count):
        """`count` batches of source_tokens (padding included), each of examples of like length, in random order."""
        round16 = lambda n: -(-n // 16) * 16   # few shapes: oneDNN compiles kernels for each
        round_up = lambda n: round16(n) if n <= 128 else -(-n // 32) * 32
        items = self.examples(shares, source_tokens * count)
        items.sort(key=lambda e: (round_up(len(e[0])), len(e[1])))
        out, at = [], 0
        while at < len(items):
            size, widest, length = 0, 0, 0
            while at + size < len(items):
                s, t, _ = items[at + size]
                wide, long = max(widest, round_up(len(s))), max(length, round16(len(t)))
                if size and ((size + 1) * wide > source_tokens or (size + 1) * long > source_tokens):
                    break
                widest, length, size = wide, long, size + 1
            group = items[at:at + size]
            at += size
            source, target = np.zeros((size, widest), np.int64), np.zeros((size, length), np.int64)
            for row, (s, t, _) in enumerate(group):
                source[row, :len(s)], target[row, :len(t)] = s, t
            out.append((source, target, np.array([TASKS.index(e[2]) for e in group])))
        self.rng.shuffle(out)
        return out
