"""Exports T5 folders (config.json, model.safetensors) to the ONNX layout that transformers.js loads, float32 and q8.

Usage: python export.py MODEL_DIR...   writes MODEL_DIR/onnx/{encoder_model,decoder_model_merged}{,_quantized}.onnx
The export is Optimum's, the quantization that of transformers.js's own conversion script: ONNX Runtime's dynamic
quantization with default arguments for text models (8-bit weights, whole tensors, subgraphs included), and reduce_range off.
"""
import os

os.environ.update(ORT_DISABLE_TELEMETRY="1", HF_HUB_DISABLE_TELEMETRY="1", DO_NOT_TRACK="1")  # before what would report is imported

import sys
from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from optimum.exporters.onnx import main_export

EXPORTED = ("encoder_model", "decoder_model_merged")


def operators(graph):
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from operators(attribute.g)


for directory in map(Path, sys.argv[1:]):
    out = directory / "onnx"
    if not (out / "decoder_model_merged.onnx").exists():
        main_export(str(directory), output=out, task="text2text-generation-with-past", do_validation=True)
    for name in EXPORTED:
        target = out / f"{name}_quantized.onnx"
        if target.exists():
            continue
        model = onnx.load(out / f"{name}.onnx")
        # As in transformers.js's scripts/quantize.py: unsigned weights where a model has convolutions, signed elsewhere.
        weight_type = QuantType.QUInt8 if "Conv" in set(operators(model.graph)) else QuantType.QInt8
        quantize_dynamic(
            model_input=str(out / f"{name}.onnx"), model_output=str(target), weight_type=weight_type,
            extra_options={"EnableSubgraph": True}, per_channel=False, reduce_range=False,
        )
        print(target, round(target.stat().st_size / 1e6, 1), "MB", flush=True)
