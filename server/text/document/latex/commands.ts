/** What LaTeX's commands and environments mean to a reader of prose. */

import { table } from "../../../../base/table.ts";
import type { BlockKind } from "../block.ts";

/** Commands of headings, by their level. */
export const HEADINGS: Readonly<Record<string, number>> = table({
  title: 1,
  part: 1,
  chapter: 1,
  section: 2,
  subsection: 3,
  subsubsection: 4,
  paragraph: 5,
  subparagraph: 6,
  frametitle: 3,
  framesubtitle: 4,
});

/** Environments whose content is not prose, by what it is; any other's content is read. */
export const ENVIRONMENTS: Readonly<Record<string, BlockKind>> = table({
  ...kinds(
    "math",
    "equation align alignat gather multline eqnarray math displaymath flalign array matrix pmatrix bmatrix cases subequations IEEEeqnarray dmath",
  ),
  ...kinds(
    "code",
    "verbatim Verbatim lstlisting minted alltt algorithm algorithmic algorithm2e code filecontents tikzpicture pgfpicture asy luacode pycode",
  ),
  ...kinds("table", "tabular tabularx tabulary longtable supertabular tabbing table sidewaystable wraptable"),
  ...kinds("directive", "figure wrapfigure sidewaysfigure thebibliography comment CCSXML picture titlepage"),
});

function kinds(kind: BlockKind, names: string): Record<string, BlockKind> {
  return Object.fromEntries(
    names.split(" ").flatMap((name) => [
      [name, kind],
      [`${name}*`, kind],
    ]),
  );
}

/** Environments that begin with arguments of layout. */
export const QUOTATIONS = new Set(["quote", "quotation", "verse", "displayquote"]);

/** Commands that leave no trace, their arguments neither. */
export const SILENT = new Set(
  (
    "firstpage lastpage pubyear doi corres editor history access appnotes copyrightyear pubdate label ref eqref pageref autoref cref Cref nameref vref cite citep citeyear parencite autocite footcite fullcite nocite index glossary " +
    "note footnote footnotetext thanks marginpar todo includegraphics input include bibliography bibliographystyle addbibresource usepackage RequirePackage documentclass " +
    "newcommand renewcommand providecommand DeclareMathOperator newenvironment renewenvironment def let newtheorem theoremstyle setlength addtolength setcounter addtocounter " +
    "vspace hspace vskip hskip pagestyle thispagestyle hypersetup geometry author date affiliation institute email address keywords maketitle tableofcontents listoffigures " +
    "color definecolor fontsize selectfont linespread includeonly graphicspath captionsetup hyphenation newpage clearpage pagebreak linebreak bigskip medskip smallskip noindent " +
    "centering raggedright raggedleft phantom hphantom vphantom rule lstset lstinputlisting verbatiminput tikzset pgfplotsset newif ifx fi else begin end bibitem printbibliography " +
    "epigraph dedication appendix input subfile subfileinclude import orcid caption captionof minipage newacronym newglossaryentry DeclareUnicodeCharacter cmidrule toprule midrule bottomrule hline"
  ).split(" "),
);

/** Commands of which one argument is shown and others are not: which one, counted from 0 in braces. */
export const SHOWN_ARGUMENT: Readonly<Record<string, number>> = table({
  href: 1,
  textcolor: 1,
  colorbox: 1,
  hyperref: 0,
  raisebox: 1,
  parbox: 1,
  foreignlanguage: 1,
  resizebox: 2,
  scalebox: 1,
  rotatebox: 1,
});

/** The characters that commands without arguments print. */
export const SYMBOLS: Readonly<Record<string, string>> = table({
  ldots: "…",
  dots: "…",
  textellipsis: "…",
  textendash: "–",
  textemdash: "—",
  LaTeX: "LaTeX",
  TeX: "TeX",
  LaTeXe: "LaTeX2e",
  BibTeX: "BibTeX",
  ss: "ß",
  ae: "æ",
  AE: "Æ",
  oe: "œ",
  OE: "Œ",
  o: "ø",
  O: "Ø",
  aa: "å",
  AA: "Å",
  l: "ł",
  L: "Ł",
  i: "i",
  j: "j",
  copyright: "©",
  textregistered: "®",
  texttrademark: "™",
  pounds: "£",
  euro: "€",
  S: "§",
  P: "¶",
  textbackslash: "\\",
  textasciitilde: "~",
  textasciicircum: "^",
  textunderscore: "_",
  textless: "<",
  textgreater: ">",
  textbar: "|",
  textdegree: "°",
  degree: "°",
  quad: " ",
  qquad: " ",
  space: " ",
  newline: " ",
  par: " ",
  and: " and ",
  textquoteright: "’",
  textquoteleft: "‘",
  textquotedblleft: "“",
  textquotedblright: "”",
  guillemotleft: "«",
  guillemotright: "»",
  slash: "/",
  item: " ",
  times: "×",
  xspace: "",
  protect: "",
  today: "",
});

/** Short forms of siunitx's units and prefixes. */
export const UNITS: Readonly<Record<string, string>> = table({
  second: "s",
  minute: "min",
  hour: "h",
  meter: "m",
  metre: "m",
  gram: "g",
  liter: "L",
  litre: "L",
  byte: "B",
  bit: "bit",
  hertz: "Hz",
  volt: "V",
  watt: "W",
  ampere: "A",
  kelvin: "K",
  celsius: "°C",
  degree: "°",
  percent: "%",
  nano: "n",
  micro: "µ",
  milli: "m",
  centi: "c",
  kilo: "k",
  mega: "M",
  giga: "G",
  tera: "T",
  per: "/",
});

/** Accents over the letter that follows, as combining marks. */
export const ACCENTS: Readonly<Record<string, string>> = table({
  "'": "\u0301",
  "`": "\u0300",
  "^": "\u0302",
  '"': "\u0308",
  "~": "\u0303",
  "=": "\u0304",
  ".": "\u0307",
  c: "\u0327",
  v: "\u030C",
  u: "\u0306",
  H: "\u030B",
  k: "\u0328",
  r: "\u030A",
});

/** A group that is longer is not closed. */
export const MOST_ARGUMENT = 20_000;
