"""The records of an event file, as TensorBoard's own writer makes them.

    pip install -r requirements.txt
    python generate_tensorboard.py

It writes tensorboard.json beside itself: the version of the file, a scalar, a histogram and a text at one step and one time.
"""

import io
import json
from pathlib import Path

import numpy as np
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import HistogramProto, Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.summary.writer.record_writer import RecordWriter

TIME, STEP = 1.5e9 + 0.25, 300


def histogram(values):
    counts, edges = np.histogram(values, bins=30)
    low, high = min(values), max(values)
    limits = [low + (high - low) / 30 * i for i in range(1, 30)] + [high]
    assert np.allclose(limits, edges[1:], rtol=1e-12)
    squares = sum(x * x for x in values)
    return HistogramProto(
        min=low, max=high, num=len(values), sum=sum(values), sum_squares=squares, bucket_limit=limits, bucket=counts
    )


def main():
    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    text = TensorProto(dtype="DT_STRING", tensor_shape=shape, string_val=[b"what **it** says"])
    values = [
        Summary.Value(tag="a/scalar", simple_value=0.1),
        Summary.Value(tag="a histogram", histo=histogram([1.0, -0.5, 0.25, 0.25, 3.0])),
        Summary.Value(tag="a text", tensor=text, metadata=metadata),
    ]
    events = [Event(wall_time=TIME, file_version="brain.Event:2")]
    events += [Event(wall_time=TIME, step=STEP, summary=Summary(value=[value])) for value in values]
    records = []
    for event in events:
        buffer = io.BytesIO()
        RecordWriter(buffer).write(event.SerializeToString(deterministic=True))
        records.append(buffer.getvalue().hex())
    golden = {"wall_time": TIME, "step": STEP, "records": records}
    Path(__file__).with_name("tensorboard.json").write_text(json.dumps(golden) + "\n")


if __name__ == "__main__":
    main()
