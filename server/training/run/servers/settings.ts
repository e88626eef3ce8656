/** The settings of inference servers for a model's graphs, and the README that says how each server is started. */
import { type TensorSpec, VERSION } from "../../../engine/wire/operations.ts";

/** A graph's name on a server, and its tensors; the first extent of each is the batch. */
export interface GraphTensors {
  readonly name: string;
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
}

/** Rows that Triton runs together at most, and how long it waits for them. */
const MOST_ROWS = 16;
const WAIT_MICROSECONDS = 2000;

/**
 * Triton's config.pbtxt. The batch is not among the dims; requests of equal shapes are batched.
 * @see https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/model_configuration.html
 */
export function tritonConfig({ name, inputs, outputs }: GraphTensors): string {
  const tensors = (list: readonly TensorSpec[]) =>
    list
      .map(
        ({ name: tensor, datatype, shape }) =>
          `  { name: "${tensor}" data_type: TYPE_${datatype} dims: [ ${shape.slice(1).join(", ")} ] }`,
      )
      .join(",\n");
  return `name: "${name}"
backend: "onnxruntime"
default_model_filename: "model.onnx"
max_batch_size: ${MOST_ROWS}
input [
${tensors(inputs)}
]
output [
${tensors(outputs)}
]
dynamic_batching { max_queue_delay_microseconds: ${WAIT_MICROSECONDS} }
instance_group [ { count: 1 kind: KIND_AUTO } ]
version_policy: { latest { num_versions: 1 } }
`;
}

/** MLServer's model-settings.json. @see https://docs.seldon.ai/mlserver/reference/model-settings */
export function mlserverSettings({ name, inputs, outputs }: GraphTensors): string {
  return json({
    name,
    implementation: "spanfill_runtime.OnnxModel",
    ...{ platform: "onnxruntime", inputs, outputs },
    parameters: { uri: `./${VERSION}/model.onnx`, version: VERSION },
  });
}

/** MLServer's settings.json: this machine's own address, one process, no details in errors. */
export function serverSettings(): string {
  return json({ host: "127.0.0.1", http_port: 8080, grpc_port: 8081, parallel_workers: 0, debug: false });
}

/** OpenVINO Model Server's config.json. Its runtime does not run the loop of generation, so that is left out. */
export function ovmsSettings(models: readonly GraphTensors[]): string {
  const list = models.map(({ name }) => ({ config: { name, base_path: `/models/${name}` } }));
  return json({ model_config_list: list });
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** The repository's README. */
export function READ_ME(id: string, folder: string, models: readonly GraphTensors[], precision: string): string {
  return `# ${id} for inference servers

Written by \`spanfill export --to server\`. Spanfill uses \`-step\` and \`-generate\`; \`-encode\` and \`-decode\` (a step whose keys and
values are tensors that the client keeps) are for other clients and may be removed. Each graph that a server opens takes the memory
of the weights once.
${precision === "float32" ? "" : `\nThe large weights and their products are in ${precision}, for GPUs; all else, inputs and outputs too, is in float32.\nA text may get other tokens than in float32 now and then.\n`}
${models.map(({ name }) => `- \`${name}\``).join("\n")}

Requests contain token ids, which decode to the text. None of these servers asks for a token or encrypts by itself: let others reach it only through
a proxy that does both (https, and a bearer token), and switch off logs of requests there.

## MLServer

    pip install mlserver onnxruntime          # or onnxruntime-gpu
    mlserver start .                          # in this folder; settings.json has the address, http://127.0.0.1:8080

## NVIDIA Triton (also KServe's Triton runtime, with this folder as storageUri)

    docker run --rm --gpus all -p 127.0.0.1:8000:8000 -v "$PWD":/models nvcr.io/nvidia/tritonserver:TAG-py3 tritonserver --model-repository=/models --exit-on-error=false

It runs up to ${MOST_ROWS} rows of equal shapes together. The files besides the folders of models are not Triton's.

## OpenVINO Model Server

    docker run --rm -p 127.0.0.1:8000:8000 -v "$PWD":/models openvino/model_server --config_path /models/config.json --rest_port 8000

Its config.json leaves \`-generate\` out, whose loop OpenVINO does not run: a token takes a request there.
Set INFERENCE_PRECISION_HINT to f32 where the processor would compute in bfloat16.

## Use it

    export SPANFILL_SERVER=http://127.0.0.1:8080     # https://HOST from another machine, and SPANFILL_SERVER_TOKEN
    spanfill devices
    spanfill summarize FILE --model ${id} --device server --precision float32

The model must be installed under the same name where it is used. Export again to another folder than ${folder} after the model changed.
`;
}
