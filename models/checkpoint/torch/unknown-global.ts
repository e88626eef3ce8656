/** The message for a name in a pickle that no table of weights needs: an ordinary value, or an attack. */
import { ModelError } from "../../errors.ts";

/** Models, and values that training programs save beside weights; PyTorch's safe list has none of them. */
const OBJECTS =
  /^(transformers|peft|(pytorch_)?lightning|deepspeed|accelerate|fairseq|omegaconf|numpy|argparse|datetime|decimal|pathlib|collections|enum|__main__|torch\.(nn|optim|torch_version))\.|^(builtins|__builtin__)\.(slice|x?range|long|int|float|str|type|object)$/;

/** The error for something of Python's that a table of weights does not need; whole models name their class. */
export function unknownGlobal(name: string, file: string): ModelError {
  const quoted = JSON.stringify(name.slice(0, 200));
  const words = OBJECTS.test(name)
    ? `holds a Python object (${quoted}), which is not supported: only a table of weights is. Save the model again with save_pretrained, or its state_dict() with torch.save.`
    : `asks Python to run ${quoted}, which a table of weights does not need. The file was refused, and nothing was run. Take the model from its publisher, in safetensors if possible.`;
  return new ModelError("checkpoint", `${file} ${words}`);
}
