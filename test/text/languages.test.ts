import assert from "node:assert/strict";
import { test } from "node:test";
import { foreignLanguage, foreignLanguageOf, languageName } from "../../server/text/languages.ts";

const foreign: Record<string, string> = {
  de: "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert. Danach liest der Server alle Einträge neu ein.",
  fr: "Le cache est vidé dès qu'un fichier change. Ensuite, le serveur relit toutes les entrées du dossier.",
  es: "La caché se vacía cuando cambia un archivo. Después, el servidor vuelve a leer todas las entradas de la carpeta.",
  it: "La cache viene svuotata quando un file cambia. Dopo, il server rilegge tutte le voci della cartella.",
  pt: "O cache é esvaziado quando um arquivo muda. Depois, o servidor lê novamente todas as entradas da pasta.",
  nl: "De cache wordt geleegd zodra een bestand verandert. Daarna leest de server alle gegevens opnieuw in.",
  pl: "Pamięć podręczna jest czyszczona, gdy plik się zmieni. Potem serwer ponownie wczytuje wszystkie wpisy.",
  sv: "Cachen töms så snart en fil ändras. Sedan läser servern in alla poster på nytt från mappen.",
  tr: "Bir dosya değiştiğinde önbellek boşaltılır. Daha sonra sunucu klasördeki bütün kayıtları yeniden okur.",
  ru: "Кэш очищается, когда файл изменяется. Затем сервер заново читает все записи.",
  uk: "Кеш очищується, коли файл змінюється. Потім сервер знову читає всі записи.",
  el: "Η προσωρινή μνήμη αδειάζει όταν αλλάζει ένα αρχείο.",
  ja: "ファイルが変更されるとキャッシュは空になります。",
  zh: "文件更改时,缓存会被清空,然后服务器会重新读取。",
  ko: "파일이 변경되면 캐시가 비워지고 서버가 다시 읽습니다.",
  ar: "يتم إفراغ ذاكرة التخزين المؤقت عندما يتغير الملف.",
};
for (const [language, text] of Object.entries(foreign)) {
  test(`${languageName(language)} is outside of what an English model knows`, async () => {
    assert.equal(await foreignLanguage(text, ["en"]), language);
    assert.equal(
      await foreignLanguageOf(`# cache\n\n\`\`\`sh\nnpm run cache && npm start -- the list of it\n\`\`\`\n\n${text}`, [
        "en",
      ]),
      language,
    );
    assert.equal(await foreignLanguage(text, ["en", language]), undefined);
  });
}

test("a few signs of a script whose signs are words are enough", async () => {
  assert.equal(await foreignLanguage("这个工具数据库。", ["en"]), "zh");
  assert.equal(await foreignLanguage("The bureau in 北京 was closed, 东京 opened.", ["en"]), undefined);
});

const known: [string, string][] = [
  ["English", "The cache is emptied as soon as a file changes. After that, the server reads all entries again."],
  [
    "English without frequent words",
    "Clears cached entries when files change; rereads everything afterwards from disk folders.",
  ],
  ["too short a text", "Guten Tag, wie geht es?"],
  ["an empty text", ""],
  ["a list of names", "- eslint\n- prettier\n- typescript\n- webpack\n- vite\n- rollup\n- babel\n"],
  ["a command", "npm install --save-dev @types/node vite eslint prettier && npx tsc --noEmit --watch"],
  [
    "code",
    "```js\nconst wert = datei.lesen(pfad);\nfor (const zeile of wert.zeilen) drucke(zeile);\nreturn ergebnis;\n```",
  ],
  [
    "code without a fence",
    "const x = this.y.map((z) => z.id);\nfor (const a_b of x_y) { fooBar(a_b); }\nreturn { x, y: [1, 2] };",
  ],
  ["a table of numbers", "| a | b |\n|---|---|\n| 12.5 | 13 |\n| 99 | 0x1f |\n".repeat(20)],
  ["one long word", "a".repeat(20_000)],
  ["brackets without end", "<".repeat(20_000)],
];
for (const [what, text] of known) {
  test(`${what} is not called foreign`, { timeout: 20_000 }, async () => {
    assert.equal(await foreignLanguageOf(text, ["en"]), undefined);
  });
}

test("only the prose of a format is looked at", async () => {
  const english = "The server reads all entries again.";
  const german =
    "Der Zwischenspeicher wird geleert, sobald sich eine Datei ändert. Danach liest der Server alles neu ein.";
  const texts = [
    ["latex", `% ${german}\n${english}`, undefined],
    ["restructuredtext", `.. code::\n\n   ${german}\n\n${english}`, undefined],
    ["typescript", `// ${german}\nconst english = "${english}";`, "de"],
  ] as const;
  for (const [format, text, language] of texts)
    assert.equal(await foreignLanguageOf(text, ["en"], format), language, format);
});

test("a model of another language finds English foreign", async () => {
  const english = "The cache is emptied as soon as a file changes. After that, the server reads all entries again.";
  assert.equal(await foreignLanguage(english, ["de"]), "en");
  assert.equal(await foreignLanguage(foreign["de"] ?? "", ["de"]), undefined);
});

test("languages have names", () => {
  assert.deepEqual([languageName("de"), languageName("pt")], ["German", "Portuguese"]);
});
