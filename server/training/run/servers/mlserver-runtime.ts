/** The program of MLServer's models: it opens a graph in ONNX Runtime. */

/** The text of spanfill_runtime.py. */
export const MLSERVER_RUNTIME = `"""Runs an exported graph in ONNX Runtime for MLServer. It logs nothing of a request."""

import asyncio
import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import onnxruntime
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.errors import InferenceError
from mlserver.types import InferenceRequest, InferenceResponse
from mlserver.utils import get_model_uri

PROVIDERS = ("CUDAExecutionProvider", "CPUExecutionProvider")
DTYPES = {"tensor(int32)": "int32", "tensor(float)": "float32"}


class OnnxModel(MLModel):
    """A graph; threads of the server run it, so that other requests are read meanwhile."""

    async def load(self) -> bool:
        path = await get_model_uri(self._settings)
        providers = [name for name in PROVIDERS if name in onnxruntime.get_available_providers()]
        self._session = onnxruntime.InferenceSession(path, providers=providers)
        self._inputs = {tensor.name: tensor for tensor in self._session.get_inputs()}
        self._outputs = [tensor.name for tensor in self._session.get_outputs()]
        return True

    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        feeds = {tensor.name: self._array(tensor) for tensor in payload.inputs}
        missing = [name for name in self._inputs if name not in feeds]
        if missing:
            raise InferenceError(f"The input {missing[0]} is missing.")
        names = [output.name for output in payload.outputs] if payload.outputs else self._outputs
        unknown = [name for name in names if name not in self._outputs]
        if unknown:
            raise InferenceError(f"There is no output {unknown[0]}.")
        try:
            arrays = await asyncio.to_thread(self._session.run, names, feeds)
        except Exception as error:  # its text may contain values
            raise InferenceError(f"The graph cannot be run with these shapes ({type(error).__name__}).") from None
        outputs = [NumpyCodec.encode_output(name, array) for name, array in zip(names, arrays)]
        return InferenceResponse(model_name=self.name, model_version=self.version, outputs=outputs)

    def _array(self, tensor):
        expected = self._inputs.get(tensor.name)
        if expected is None:
            raise InferenceError(f"There is no input {tensor.name}.")
        try:
            array = NumpyCodec.decode_input(tensor)
        except Exception:
            raise InferenceError(f"The data of {tensor.name} does not fit its shape and type.") from None
        if array.dtype != DTYPES[expected.type]:
            raise InferenceError(f"{tensor.name} is {array.dtype}, not {DTYPES[expected.type]}.")
        return array
`;
