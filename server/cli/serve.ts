/** `spanfill serve`: the language server for editors, or the MCP server for agents. */
import { Command } from "commander";

/** The command. Its action runs until the client ends it. */
export function serveCommand(): Command {
  return new Command("serve")
    .summary("run the language server for an editor, or the tools for an agent")
    .description(
      "Run the language server (--stdio), which speaks the Language Server Protocol until the editor ends it; or the tools summarize_text and fill_gaps_in_text (--mcp) over the Model Context Protocol.",
    )
    .option("--stdio", "a language server over standard input and output")
    .option("--mcp", "tools for agents over standard input and output")
    .option("-m, --model <id|dir>", "the agents' model (default: built-in); an editor's is in its settings")
    .option("--clientProcessId <pid>", "end when this process ends (--stdio)")
    .addHelpText(
      "after",
      `
Examples (the command to configure in an editor, and in an agent):
  $ spanfill serve --stdio
  $ spanfill serve --mcp`,
    )
    .action(async ({ stdio, mcp, model }: ServeOptions, self: Command) => {
      if (stdio === mcp)
        self.error("error: give either --stdio, for an editor, or --mcp, for an agent", { exitCode: 2 });
      if (mcp) await (await import("../mcp.ts")).serveMcp(model);
      else await import("../main.ts");
    });
}

interface ServeOptions {
  readonly stdio?: boolean;
  readonly mcp?: boolean;
  readonly model?: string;
}
