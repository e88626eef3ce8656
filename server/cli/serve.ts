/** `spanfill serve`: the language server, for any editor that speaks LSP. */
import { Command } from "commander";

/** The command; its action runs until the client ends it. */
export function serveCommand(): Command {
  return new Command("serve")
    .summary("run the language server for an editor")
    .description("Run the language server: it speaks the Language Server Protocol until the editor ends it.")
    .requiredOption("--stdio", "over standard input and output")
    .option("--clientProcessId <pid>", "end when this process is gone")
    .addHelpText(
      "after",
      `
Example (an editor's setting of what to start):
  $ spanfill serve --stdio`,
    )
    .action(async () => {
      await import("../main.ts");
    });
}
