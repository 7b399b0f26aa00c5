"""Bare argon2id verifications per second, on all cores; run in the seed's environment."""

import os
import sys
import threading
import time

from argon2 import PasswordHasher


def main(seconds: float) -> float:
    """Verify in one thread per core until the time is over."""
    hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)
    stored = hasher.hash("password")
    limit = time.perf_counter() + seconds
    counts: list[int] = []

    def work() -> None:
        done = 0
        while time.perf_counter() < limit:
            hasher.verify(stored, "password")
            done += 1
        counts.append(done)

    threads = [threading.Thread(target=work) for _ in range(os.cpu_count() or 1)]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - start)


if __name__ == "__main__":
    print(main(float(sys.argv[1])))
