// The panel's page in a browser without VS Code: the same script under the same content security policy, with the extension's
// answers made up. For what needs no editor: speed, looks, keyboard, accessibility.
import { readFileSync } from "node:fs";

/**
 * Opens the page.
 * @param answers the kind of a question -> its answer
 * @param theme custom properties of a theme, and the class that VS Code gives the body
 */
export async function openPanelPage(browser, { answers, theme = DARK, width = 1200, height = 800, state = null }) {
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
    let state = ${JSON.stringify(state)};
    window.acquireVsCodeApi = () => ({
      getState: () => state ?? undefined,
      setState: (next) => { state = next; },
      postMessage: ({ seq, question }) => window.postMessage({ type: "answer", seq, answer: answers[question.kind] ?? null }, "*"),
    });
    for (const [name, value] of Object.entries(${JSON.stringify(theme.properties)})) document.documentElement.style.setProperty(name, value);
    document.body.className = "${theme.kind}";`;
  const html = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Spanfill</title>
    <meta http-equiv="Content-Security-Policy" content="${policy}"></head>
    <body><main id="root"></main><script nonce="page">${editor}</script><script nonce="page">${readFileSync("dist/panel.js", "utf8").replaceAll("</script", "<\\/script")}</script></body></html>`;
  await page.route("http://panel.test/", (route) => route.fulfill({ contentType: "text/html", body: html }));
  await page.goto("http://panel.test/");
  return { page, complaints };
}

/** Colours like those of VS Code's Dark Modern. */
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
