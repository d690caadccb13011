"""Tests of evaluations: real models on labelled pictures."""
