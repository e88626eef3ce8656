/** Where a run computes, if not in Spanfill's own trainer. */
import { choice, type Field, flag, formOf, t, text, whole } from "../field.ts";

const learning = formOf("learning");

export const CLUSTER_FIELDS = {
  on: {
    type: text(1),
    otherwise: t("this machine"),
    flag: flag("--on <place>", "train by PyTorch: torchrun, torchrun:PATH, or ray://HOST"),
    form: learning(
      t("Where it is trained"),
      t(
        "ray://HOST: a Ray cluster, which gets the examples as token ids, the base model and these settings. torchrun:PATH: PyTorch on this machine.",
      ),
    ),
  },
  workers: {
    type: whole(1, 1024),
    otherwise: "1",
    ofMachine: true,
    flag: flag("--workers <n>", "processes of --on, one a GPU"),
    form: learning(t("Workers"), t("Processes of the cluster or of PyTorch, one a GPU.")),
  },
  arithmetic: {
    type: choice("float32", "bfloat16"),
    otherwise: "bfloat16 on GPUs, else float32",
    flag: flag("--arithmetic <type>", "products of --on"),
  },
  saveEvery: {
    type: whole(1, 1_000_000),
    otherwise: "100",
    ofMachine: true,
    flag: flag("--save-every <n>", "steps of --on between saved states"),
  },
  storage: {
    type: text(1),
    otherwise: "~/spanfill-runs",
    ofMachine: true,
    flag: flag("--storage <folder>", "a folder that all machines of ray:// share"),
    form: learning(t("Folder of the cluster"), t("One that all of its machines share.")),
  },
} as const satisfies Readonly<Record<string, Field>>;
