"""Where two computations of one network part: tensors compared, graphs cut, tensors matched. Runs nothing."""
