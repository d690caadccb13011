"""Lower precisions: a graph in float32 in, a graph of standard operators in int8 or float16 out."""
