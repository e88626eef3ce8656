import { test } from "node:test";
import { startSession } from "../session.ts";

test("a document's settings are asked for when it is opened, so that its first suggestion need not wait", async () => {
  await using session = await startSession({ settings: {} });
  session.open("file:///opened.md", "Nobody has asked for anything yet.");
  await session.client.until(
    ({ method, params }) => method === "workspace/configuration" && JSON.stringify(params).includes("opened.md"),
  );
});
