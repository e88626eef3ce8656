/** Shows that something is under way, but only when it takes long enough to be wondered about. */
import { CancellationTokenSource, ProgressLocation, window } from "vscode";
import { messageText } from "../../protocol/shown-text.ts";
import type { RequestOptions } from "./language-client.ts";

const PATIENCE_MS = 400;

/** The result of the work; after a moment, a notification shows its progress and a button that cancels it. */
export async function withPatience<Result>(
  title: string,
  work: (options: RequestOptions) => Promise<Result>,
): Promise<Result> {
  const source = new CancellationTokenSource();
  let report: RequestOptions["report"] = () => undefined;
  const running = work({ token: source.token, report: (progress) => report(progress) });
  const settled = running.then(
    () => true,
    () => true,
  );
  const late = new Promise<boolean>((resolve) => {
    setTimeout(() => resolve(false), PATIENCE_MS);
  });
  try {
    if (!(await Promise.race([settled, late]))) {
      const options = { location: ProgressLocation.Notification, title: messageText(title), cancellable: true };
      await window.withProgress(options, async (progress, token) => {
        token.onCancellationRequested(() => source.cancel());
        report = ({ message, ...value }) =>
          progress.report({ ...value, ...(message !== undefined && { message: messageText(message) }) });
        await settled;
      });
    }
    return await running;
  } finally {
    source.dispose();
  }
}
