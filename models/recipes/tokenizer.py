"""Makes the built-in models' tokenizer.json: T5's own vocabulary, plus layout characters and length marks in spare rows.

T5 has 32,100 tokens in 32,128 rows. Rows 32,100 onward are given, in this order, to the characters T5 cannot spell and to the
marks that tell the model how long a gap's fill should be. The order is part of every trained model: append only.
"""
import argparse
import json

LAYOUT = ["\n", "\n\n", "\n -", "\t", "`", " `", "```", "{", "}", " {", "<", " <", "</", "\\", "^", "~",
          "  ", "    ", "        ", "→"]
LENGTH_MARKS = ["<length_1>", "<length_2>", "<length_4>", "<length_8>", "<length_16>", "<length_32>"]
FIRST_ROW = 32100


def builtin_tokenizer(t5):
    """Returns tokenizer.json (as a dict) for the built-in models, from T5's (the older layout, whose model has no type)."""
    def token(row, content, special):
        # "normalized" ones are looked for last: " <" would else be seen first in " <extra_id_0>".
        return {"id": row, "content": content, "special": special, "single_word": False, "lstrip": False,
                "rstrip": False, "normalized": "<" in content and not special}

    rows = [(text, False) for text in LAYOUT] + [(text, True) for text in LENGTH_MARKS]
    added = t5["added_tokens"] + [token(FIRST_ROW + i, text, special) for i, (text, special) in enumerate(rows)]
    # One space is one "▁", so that white space survives; only the text's first word is given one of its own.
    metaspace = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": True}
    model = {"type": "Unigram", "unk_id": t5["model"]["unk_id"], "byte_fallback": False, "vocab": t5["model"]["vocab"]}
    return {**t5, "added_tokens": added, "pre_tokenizer": metaspace, "decoder": metaspace, "model": model}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--t5", required=True, help="T5's tokenizer.json")
    parser.add_argument("--out", required=True)
    options = parser.parse_args()
    with open(options.t5, encoding="utf-8") as file:
        made = builtin_tokenizer(json.load(file))
    with open(options.out, "w", encoding="utf-8") as file:
        json.dump(made, file, ensure_ascii=False)
