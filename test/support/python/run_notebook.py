"""Runs a notebook with nbclient, as any headless user would, and writes it with its outputs.

usage: run_notebook.py INPUT OUTPUT KERNEL [TIMEOUT_SECONDS]
"""
import os
import sys

import nbformat
from nbclient import NotebookClient

source, target, kernel = sys.argv[1], sys.argv[2], sys.argv[3]
timeout = int(sys.argv[4]) if len(sys.argv) > 4 else 120
notebook = nbformat.read(source, as_version=4)
nbformat.validate(notebook)
client = NotebookClient(
    notebook,
    kernel_name=kernel,
    timeout=timeout,
    startup_timeout=60,
    resources={"metadata": {"path": os.path.dirname(os.path.abspath(target))}},
)
try:
    client.execute()
finally:
    nbformat.write(notebook, target)
nbformat.validate(nbformat.read(target, as_version=4))
