"""Networks of one's own for PyTorch: a function that builds one, or a TorchScript archive."""

from pathlib import Path

from converters.interface import PYTORCH_SUFFIXES, Source

SOURCE = Source(
    name="pytorch",
    title="PyTorch",
    folder=Path(__file__).parent,
    weights_suffixes=PYTORCH_SUFFIXES,
    license="",  # whoever wrote the code says it, in the pipeline file
    domain="org.pytorch",
    reads_entries=True,
    reads_code=True,
    environment="torchvision",
)
