"""The same vectors and questions in faiss-cpu: exact, and by lists as we look into them. Prints one JSON object."""
import json
import statistics
import sys
import time

import faiss
import numpy as np

path, width, asked, nearest = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
vectors = np.fromfile(path, dtype="<f4").reshape(-1, width)
step = max(1, len(vectors) // asked)
questions = vectors[::step][:asked]
# As ours is measured: one question at a time, on as many threads as it likes.


def timed(index):
    seconds, found = [], []
    for question in questions:
        started = time.perf_counter()
        _, ids = index.search(question[None, :], nearest)
        seconds.append(time.perf_counter() - started)
        found.append(set(ids[0].tolist()))
    return statistics.median(seconds) * 1e3, found


flat = faiss.IndexFlatL2(width)
flat.add(vectors)
exact_ms, truth = timed(flat)

lists = max(1, round(len(vectors) ** 0.5))
started = time.perf_counter()
by_lists = faiss.IndexIVFFlat(faiss.IndexFlatL2(width), width, lists)
by_lists.train(vectors)
by_lists.add(vectors)
built_s = time.perf_counter() - started
by_lists.nprobe = max(1, lists // 6)
lists_ms, found = timed(by_lists)
recall = sum(len(a & b) for a, b in zip(truth, found)) / (nearest * len(truth))
print(json.dumps({"version": faiss.__version__, "exact_ms": exact_ms, "built_s": built_s, "lists_ms": lists_ms, "recall": recall}))
