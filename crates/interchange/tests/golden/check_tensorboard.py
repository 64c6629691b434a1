"""TensorBoard's own reader finds what we have written: `python check_tensorboard.py FOLDER`, run by tests/python.rs.

The folder `run` has event files, expected.json what is in them.
"""

import struct

import tensorboard
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from check import compare, folder, written


def main():
    expected = written("expected.json")
    events = EventAccumulator(str(folder() / "run"), size_guidance={"scalars": 0, "histograms": 0, "images": 0, "tensors": 0})
    events.Reload()
    tags = events.Tags()
    for kind in ["scalars", "histograms", "images", "tensors"]:
        assert sorted(tags[kind]) == sorted(expected[kind]), f"{kind}: {tags[kind]}"
    for tag, points in expected["scalars"].items():
        found = [[event.step, event.value] for event in events.Scalars(tag)]
        compare(tag, found, points)
    for tag, points in expected["histograms"].items():
        found = [[e.step, e.histogram_value.num, e.histogram_value.min, e.histogram_value.max, e.histogram_value.sum] for e in events.Histograms(tag)]
        compare(tag, found, points)
        for event in events.Histograms(tag):
            assert sum(event.histogram_value.bucket) == event.histogram_value.num, tag
    for tag, points in expected["images"].items():
        found = [[event.step, event.height, event.width] for event in events.Images(tag)]
        assert found == points, f"{tag}: {found}"
        for event in events.Images(tag):
            png = event.encoded_image_string
            assert png[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", png[16:24]) == (event.width, event.height)
    for tag, points in expected["tensors"].items():
        found = [[event.step, event.tensor_proto.string_val[0].decode()] for event in events.Tensors(tag)]
        assert found == points, f"{tag}: {found}"
    print(f"TensorBoard {tensorboard.__version__}: {sum(len(expected[kind]) for kind in expected)} tags")


if __name__ == "__main__":
    main()
