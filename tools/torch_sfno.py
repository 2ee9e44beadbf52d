#!/usr/bin/env python3
"""The SFNO of HENS in plain PyTorch and torch-harmonics: the peer that Apus is timed against.

Parameters carry makani's names and shapes (complex weights with a trailing axis of 2). To be a fair peer it
is written for speed where that costs no clarity: tables in float32, 1x1 convolutions as torch does them best,
nothing computed twice.

    python tools/torch_sfno.py --check FILE    relative errors against a reference file, as
                                               `apus checkpoint check FILE --gradients` prints them
"""
import argparse
import json
import struct
import sys

import numpy
import torch
import torch.nn.functional as F
from torch import nn
from torch_harmonics import InverseRealSHT, RealSHT


def read_safetensors(path, types={"F32": "<f4"}):
    """Tensors by name as float32, and the metadata; other types than these are refused."""
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        body = file.read()
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        if entry["dtype"] not in types:
            raise SystemExit(f"{path}: '{name}' is {entry['dtype']}, expected {' or '.join(types)}")
        start, end = entry["data_offsets"]
        values = numpy.frombuffer(body[start:end], types[entry["dtype"]]).reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.astype("f4"))
    return tensors, metadata


class Holder(nn.Module):
    """Gives parameters their dotted names."""


def put(root, name, parameter):
    *path, last = name.split(".")
    for part in path:
        if not hasattr(root, part):
            root.add_module(part, Holder())
        root = getattr(root, part)
    root.register_parameter(last, nn.Parameter(parameter))


class SFNO(nn.Module):
    def __init__(self, config):
        super().__init__()
        c = self.config = config
        rows, columns = c["inp_shape"]
        scale = c.get("scale_factor", 1)
        fraction = c.get("hard_thresholding_fraction", 1.0)
        inner = (rows // scale, columns // scale)
        degrees = int(inner[0] * fraction)
        orders = min(degrees, int((inner[1] // 2 + 1) * fraction))
        outer_kind = c.get("model_grid_type", "equiangular")
        inner_kind = c.get("sht_grid_type", "legendre-gauss")

        def pair(shape, kind):
            size = dict(lmax=degrees, mmax=orders, grid=kind)
            # Tables are built in float64; left so, every call would convert them.
            return RealSHT(*shape, **size).float(), InverseRealSHT(*shape, **size).float()

        self.resamples = (rows, columns, outer_kind) != (*inner, inner_kind)
        self.outer, self.outer_inverse = pair((rows, columns), outer_kind)
        self.inner, self.inner_inverse = (
            pair(inner, inner_kind) if self.resamples else (self.outer, self.outer_inverse))
        e, hidden, blocks = c["embed_dim"], int(c["embed_dim"] * c.get("mlp_ratio", 2.0)), c["num_layers"]
        # Degrees as truncated to a triangle; makani keeps the weight at every degree asked for.
        self.lmax = self.inner.lmax
        inputs, outputs = c["inp_chans"], c["out_chans"]

        def normal(shape, variance):
            return torch.randn(*shape) * variance**0.5

        p = {
            "encoder.fwd.0.weight": normal((e, inputs, 1, 1), 2 / inputs),
            "encoder.fwd.0.bias": torch.zeros(e),
            "encoder.fwd.2.weight": normal((e, e, 1, 1), 1 / e),
            "decoder.fwd.0.weight": normal((e, e, 1, 1), 2 / e),
            "decoder.fwd.0.bias": torch.zeros(e),
            "decoder.fwd.2.weight": normal((outputs, e, 1, 1), 0.5 / e),
            "residual_transform.weight": normal((outputs, inputs, 1, 1), 0.5 / inputs),
        }
        for i in range(blocks):
            p |= {f"blocks.{i}.{name}": value for name, value in {
                "filter.filter.weight": normal((e, e, degrees, 2), 1 / e),
                "norm0.weight": torch.ones(e), "norm0.bias": torch.zeros(e),
                "mlp.fwd.0.weight": normal((hidden, e, 1, 1), 2 / e), "mlp.fwd.0.bias": torch.zeros(hidden),
                "mlp.fwd.3.weight": normal((e, hidden, 1, 1), 0.5 / hidden), "mlp.fwd.3.bias": torch.zeros(e),
                "norm1.weight": torch.ones(e), "norm1.bias": torch.zeros(e),
                "outer_skip.weight": normal((e, e, 1, 1), 0.5 / e),
            }.items()}
        for name, value in p.items():
            put(self, "model." + name, value)

    def block(self, i, x):
        p = getattr(self.model.blocks, str(i))
        last = i == len(self.model.blocks._modules) - 1
        forward = self.outer if i == 0 else self.inner
        inverse = self.outer_inverse if last else self.inner_inverse
        spectrum = forward(x)
        if self.resamples and (i == 0) != last:
            residual = inverse(spectrum)
        else:
            residual = x
        weight = torch.view_as_complex(p.filter.filter.weight)[:, :, : self.lmax]
        x = inverse(torch.einsum("bilm,iol->bolm", spectrum, weight).contiguous())
        x = F.gelu(F.instance_norm(x, weight=p.norm0.weight, bias=p.norm0.bias, eps=1e-6))
        up, down = getattr(p.mlp.fwd, "0"), getattr(p.mlp.fwd, "3")
        x = F.conv2d(F.gelu(F.conv2d(x, up.weight, up.bias)), down.weight, down.bias)
        x = F.instance_norm(x, weight=p.norm1.weight, bias=p.norm1.bias, eps=1e-6)
        return x + F.conv2d(residual, p.outer_skip.weight)

    @staticmethod
    def pair(p, x):
        first, second = getattr(p.fwd, "0"), getattr(p.fwd, "2")
        return F.conv2d(F.gelu(F.conv2d(x, first.weight, first.bias)), second.weight)

    def forward(self, x):
        y = self.pair(self.model.encoder, x)
        for i in range(self.config["num_layers"]):
            y = self.block(i, y)
        return self.pair(self.model.decoder, y) + F.conv2d(x, self.model.residual_transform.weight)


def check(path):
    """Prints the relative errors; returns whether all are within the bars."""
    tensors, metadata = read_safetensors(path)
    network = SFNO(json.loads(metadata["config"]))
    network.load_state_dict({n: t for n, t in tensors.items() if n.startswith("model.")}, strict=True)
    x = tensors["input"].requires_grad_()
    y = network(x)
    F.mse_loss(y, tensors["target"]).backward()
    found = {"output": y.detach(), "grad.input": x.grad}
    found |= {"grad." + name: parameter.grad for name, parameter in network.named_parameters()}
    good = True
    for name, value in found.items():
        reference = tensors[name].double()
        scale, note = reference.norm(), ""
        if name.endswith("mlp.fwd.3.bias"):
            # Zero in exact arithmetic: norm1 takes a constant away. Measured by the weight's gradient.
            scale, note = tensors[name.replace("bias", "weight")].double().norm(), "  (zero in exact arithmetic)"
        error = ((value.double() - reference).norm() / scale).item()
        within = error <= (1e-5 if name == "output" else 1e-4)
        good = good and within
        print(f"{name:45} {error:.2e}  {'ok' if within else 'above its bar'}{note}")
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--check", metavar="FILE", required=True, help="reference safetensors file")
    sys.exit(0 if check(parser.parse_args().check) else 65)
