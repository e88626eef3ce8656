import assert from "node:assert/strict";
import { test } from "node:test";
import { isFaithful, isWhole } from "../../../bench/summaries/judge.ts";

const WHOLE = [
  "Kafka pods might be evicted during Kubernetes upgrades, maintenance, or pod rescheduling.",
  "Set the `batch.size` option (in bytes) for the producer.",
  "`kubectl get pods` lists them; “Running” is what you want to see.",
  "npm-check-updates finds newer versions.",
  "- Install it.\n- Run the server on port 8080.",
  "The cluster's nodes need at least 3.5 GB.",
  "Smart contracts persist data with env.storage() and __check_auth.",
  "It had had no effect that that text could tell.",
];

const BROKEN = [
  "including tracing, and .",
  "manage your metrics",
  "See the [installation guide](https://example.com/install.",
  "Use **bold for it.",
  "The server (which listens on port 8080.",
  "Add {{< shortcode >}} to the page.",
  "The page <a href=x>shows it.",
  "A list of: .",
  "You can use the :ref:`option`.",
  "The the server starts.",
  "It uses () where __span__ stood.",
  "Set \\textbf values first.",
  "",
  "The Cluster Operator watches for",
  "- Install it.\n- of the cluster.",
];

test("whole sentences are told from cut and broken ones", () => {
  assert.deepEqual(
    WHOLE.filter((text) => !isWhole(text)),
    [],
  );
  assert.deepEqual(
    BROKEN.filter((text) => isWhole(text)),
    [],
  );
});

test("a title needs no full stop, and is not whole where it ends before its noun", () => {
  assert.deepEqual(
    ["Handling high volumes of messages", "Guide to the", "Installing ["].map((title) => isWhole(title, true)),
    [true, false, false],
  );
});

test("a name or number that the text lacks makes a summary unfaithful", () => {
  const source = "Strimzi 0.40 runs Kafka on Kubernetes.";
  assert.deepEqual(
    ["The pods of Kafka run.", "It is about Strimzi 0.41.", "How to use Quilisearch."].map((text) =>
      isFaithful(source, text),
    ),
    [true, false, false],
  );
});
