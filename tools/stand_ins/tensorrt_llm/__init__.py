"""Fake of TensorRT-LLM for Dynamo's parser of its flags: importing the real package needs CUDA."""
