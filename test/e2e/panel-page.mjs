// The panel's page in a browser without VS Code: the same script under the same content security policy, with the
// extension's answers made up. For what needs no editor: speed, looks, keyboard, accessibility.
import { readFileSync } from "node:fs";

/**
 * Opens the page.
 * @param answers the kind of a question -> its answer; that of "run" is a list, from which the question's id picks
 * @param kept the list of models that the extension put into the page
 * @param script the page's own script, if another than the one that ships
 * @param prepare called with the page before anything is loaded
 * @param theme custom properties of a theme, and the class that VS Code gives the body
 */
export async function openPanelPage(
  browser,
  { answers, theme = DARK, width = 1200, height = 800, state = null, kept, script, prepare },
) {
  const page = await browser.newPage({ viewport: { width, height } });
  page.setDefaultTimeout(20_000);
  const complaints = [];
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(String(error)));
  // In the page itself: the way there and back would take longer than what is measured.
  const given = JSON.stringify(answers).replaceAll("<", "\\u003c");
  const policy = "default-src 'none'; script-src 'nonce-page'; img-src data:;";
  const editor = `
    const answers = ${given};
    const asked = (window.asked = []);
    let state = ${JSON.stringify(state)};
    window.acquireVsCodeApi = () => ({
      getState: () => state ?? undefined,
      setState: (next) => { state = next; },
      postMessage: ({ seq, question }) => {
        asked.push(question);
        const known = answers[question.kind] ?? null;
        const answer = question.kind === "run" ? known.find(({ summary }) => summary.id === question.id) ?? known[0] : known;
        window.postMessage({ type: "answer", seq, answer }, "*");
      },
    });
    for (const [name, value] of Object.entries(${JSON.stringify(theme.properties)})) document.documentElement.style.setProperty(name, value);
    document.body.className = "${theme.kind}";`;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Spanfill</title>
    <meta http-equiv="Content-Security-Policy" content="${policy}"></head>
    <body><main id="root"></main>${data(kept)}<script nonce="page">${editor}</script><script nonce="page">${(script ?? readFileSync("dist/panel.js", "utf8")).replaceAll("</script", "<\\/script")}</script></body></html>`;
  await prepare?.(page);
  await page.route("http://panel.test/", (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.goto("http://panel.test/");
  return { page, complaints };
}

function data(kept) {
  if (kept === undefined) return "";
  return `<script type="application/json" id="kept">${JSON.stringify(kept).replaceAll("<", "\\u003c")}</script>`;
}

/** Colors like those of VS Code's Dark Modern. */
export const DARK = {
  kind: "vscode-dark",
  properties: {
    "--vscode-font-family": "system-ui, sans-serif",
    "--vscode-font-size": "13px",
    "--vscode-foreground": "#cccccc",
    "--vscode-descriptionForeground": "#9d9d9d",
    "--vscode-editor-background": "#1f1f1f",
    "--vscode-focusBorder": "#0078d4",
    "--vscode-textLink-foreground": "#4daafc",
    "--vscode-button-background": "#0078d4",
    "--vscode-button-foreground": "#ffffff",
    "--vscode-button-secondaryBackground": "#313131",
    "--vscode-button-secondaryForeground": "#cccccc",
    "--vscode-input-background": "#313131",
    "--vscode-input-foreground": "#cccccc",
    "--vscode-dropdown-background": "#313131",
    "--vscode-dropdown-foreground": "#cccccc",
    "--vscode-list-activeSelectionBackground": "#04395e",
    "--vscode-list-activeSelectionForeground": "#ffffff",
    "--vscode-list-inactiveSelectionBackground": "#37373d",
    "--vscode-charts-blue": "#3794ff",
    "--vscode-charts-orange": "#d18616",
    "--vscode-charts-red": "#f14c4c",
    "--vscode-charts-yellow": "#cca700",
    "--vscode-disabledForeground": "#808080",
    "--vscode-errorForeground": "#f85149",
    "--vscode-panel-border": "#2b2b2b",
  },
};

/** Like Light Modern. */
export const LIGHT = {
  kind: "vscode-light",
  properties: {
    ...DARK.properties,
    "--vscode-foreground": "#3b3b3b",
    "--vscode-descriptionForeground": "#3b3b3b",
    "--vscode-editor-background": "#ffffff",
    "--vscode-focusBorder": "#005fb8",
    "--vscode-textLink-foreground": "#005fb8",
    "--vscode-button-background": "#005fb8",
    "--vscode-button-secondaryBackground": "#e5e5e5",
    "--vscode-button-secondaryForeground": "#3b3b3b",
    "--vscode-button-secondaryHoverBackground": "#cccccc",
    "--vscode-input-background": "#ffffff",
    "--vscode-input-foreground": "#3b3b3b",
    "--vscode-input-border": "#cecece",
    "--vscode-input-placeholderForeground": "#767676",
    "--vscode-dropdown-background": "#ffffff",
    "--vscode-dropdown-foreground": "#3b3b3b",
    "--vscode-dropdown-border": "#cecece",
    "--vscode-list-hoverBackground": "#f2f2f2",
    "--vscode-list-activeSelectionBackground": "#e8e8e8",
    "--vscode-list-activeSelectionForeground": "#000000",
    "--vscode-list-inactiveSelectionBackground": "#e4e6f1",
    "--vscode-charts-blue": "#1a85ff",
    "--vscode-charts-green": "#388a34",
    "--vscode-charts-purple": "#652d90",
    "--vscode-charts-red": "#e51400",
    "--vscode-disabledForeground": "#61616180",
    "--vscode-errorForeground": "#c72e0f",
    "--vscode-panel-border": "#e5e5e5",
  },
};

/** Like Dark High Contrast. */
export const CONTRAST = {
  kind: "vscode-high-contrast",
  properties: {
    "--vscode-font-family": "system-ui, sans-serif",
    "--vscode-font-size": "13px",
    "--vscode-foreground": "#ffffff",
    "--vscode-descriptionForeground": "#ffffffb3",
    "--vscode-editor-background": "#000000",
    "--vscode-focusBorder": "#f38518",
    "--vscode-contrastBorder": "#6fc3df",
    "--vscode-contrastActiveBorder": "#f38518",
    "--vscode-textLink-foreground": "#21a6ff",
    "--vscode-button-foreground": "#ffffff",
    "--vscode-button-secondaryForeground": "#ffffff",
    "--vscode-input-background": "#000000",
    "--vscode-input-foreground": "#ffffff",
    "--vscode-input-border": "#6fc3df",
    "--vscode-dropdown-background": "#000000",
    "--vscode-dropdown-foreground": "#ffffff",
    "--vscode-dropdown-border": "#6fc3df",
    "--vscode-charts-blue": "#3794ff",
    "--vscode-charts-orange": "#d18616",
    "--vscode-charts-green": "#89d185",
    "--vscode-charts-purple": "#b180d7",
    "--vscode-charts-red": "#f48771",
    "--vscode-disabledForeground": "#a5a5a5",
    "--vscode-errorForeground": "#f48771",
    "--vscode-panel-border": "#6fc3df",
  },
};
