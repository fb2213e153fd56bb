"""Stands in for TensorRT-LLM where Dynamo's parser of its flags is asked: the real package needs CUDA to be imported."""
