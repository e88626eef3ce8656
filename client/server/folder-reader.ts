/** Reads for the server, through VS Code, what is not on its disk: the folders and files of virtual workspaces. */
import { FileType, workspace } from "vscode";
import type { LanguageClient } from "vscode-languageclient/node";
import {
  type FileContent,
  type FolderEntries,
  LIST_FOLDER_REQUEST,
  READ_FILE_REQUEST,
} from "../../protocol/requests.ts";

/** Answers what the server asks of folders that are not on its disk, such as those of a virtual workspace. */
export function readForServer(client: LanguageClient): void {
  client.onRequest(LIST_FOLDER_REQUEST, async ({ uri }: { uri: string }): Promise<FolderEntries> => {
    const entries = await workspace.fs.readDirectory(client.protocol2CodeConverter.asUri(uri));
    return entries.flatMap(([name, type]): FolderEntries => {
      if ((type & FileType.SymbolicLink) !== 0) return [{ name, kind: "link" }];
      if (type !== FileType.Directory && type !== FileType.File) return [];
      return [{ name, kind: type === FileType.File ? "file" : "folder" }];
    });
  });
  client.onRequest(
    READ_FILE_REQUEST,
    async ({ uri, mostBytes }: { uri: string; mostBytes: number }): Promise<FileContent> => {
      const file = client.protocol2CodeConverter.asUri(uri);
      const { size } = await workspace.fs.stat(file);
      if (size > mostBytes) return {};
      return { base64: Buffer.from(await workspace.fs.readFile(file)).toString("base64") };
    },
  );
}
