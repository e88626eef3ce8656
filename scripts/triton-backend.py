"""A backend of Triton's in Python that opens a model's graph in ONNX Runtime, in place of Triton's own in C++.

Triton reads config.pbtxt and gathers the batches; see beyond-servers.mjs.
"""

import json
import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import numpy
import onnxruntime
import triton_python_backend_utils as utils


class TritonPythonModel:
    """One instance of a model, as Triton's Python backend asks for it."""

    def initialize(self, arguments):
        config = json.loads(arguments["model_config"])
        folder = os.path.join(arguments["model_repository"], arguments["model_version"])
        self.session = onnxruntime.InferenceSession(os.path.join(folder, config["default_model_filename"]))
        self.inputs = [tensor["name"] for tensor in config["input"]]
        self.outputs = [tensor["name"] for tensor in config["output"]]

    def execute(self, requests):
        """Computes the requests, whose shapes are equal, as one batch."""
        rows = [{name: utils.get_input_tensor_by_name(one, name).as_numpy() for name in self.inputs} for one in requests]
        batch = {name: numpy.concatenate([row[name] for row in rows]) for name in self.inputs}
        results = self.session.run(self.outputs, batch)
        ends = numpy.cumsum([len(row[self.inputs[0]]) for row in rows])
        parts = zip(*(numpy.split(result, ends[:-1]) for result in results))
        return [
            utils.InferenceResponse([utils.Tensor(name, part) for name, part in zip(self.outputs, values)])
            for values in parts
        ]
