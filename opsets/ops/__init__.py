"""One file per operator with its whole history; the import of this package registers them all."""

from opsets.families import types as types
from opsets.ops import batch_normalization as batch_normalization
from opsets.ops import hard_swish as hard_swish
from opsets.ops import layer_normalization as layer_normalization
from opsets.ops import mish as mish
from opsets.ops import optional as optional
from opsets.ops import pad as pad
from opsets.ops import reduce as reduce
from opsets.ops import reshape as reshape
from opsets.ops import resize as resize
from opsets.ops import shape as shape
from opsets.ops import softmax as softmax
from opsets.ops import split as split
from opsets.ops import squeeze as squeeze
