"""Writes the table of NAS-Bench-201 that `examples/nas-bench-201.yaml` and the benchmarks read, from its published files.

    pip install nats_bench
    python benchmarks/nas_bench_201_table.py NATS-tss-v1_0-3ffb9-simple > nas-bench-201.csv

NAS-Bench-201 (Dong, Yang 2020, arXiv:2001.00326) is the topology search space of NATS-Bench (Dong, Liu, Musial, Gabrys 2021,
arXiv:2009.00437). Its authors publish the measurements of all 15,625 cells at https://github.com/D-X-Y/NATS-Bench, as
`NATS-tss-v1_0-3ffb9-simple.tar`, about 1 GB, and the package `nats_bench` that reads them. Unpack the archive, and give its
folder. Its files are pickles, which can run code: take them from there only.

Columns: `index`; `arch`, the cell in the benchmark's notation; and for each data set the mean accuracy in percent over the
benchmark's seeds, on its validation images after 12 epochs and on its test images after 200.
"""

import argparse
import csv
import sys
from typing import IO, Any

DATA = {"cifar10": ("cifar10-valid", "cifar10"), "cifar100": ("cifar100",) * 2, "imagenet16": ("ImageNet16-120",) * 2}
"""What the benchmark calls each data set where it validates, and where it tests: for CIFAR-10 there are two trainings."""


def write_table(api: Any, file: IO[str]) -> None:
    """Write the table.

    Args:
        api: The benchmark, as `nats_bench.create` opens it.
        file: Where to.
    """
    writer = csv.writer(file, lineterminator="\n")
    kinds = [f"{name}_valid_12ep" for name in DATA], [f"{name}_test_200ep" for name in DATA]
    writer.writerow(["index", "arch", *kinds[0], *kinds[1]])
    for index in range(len(api)):
        valid = [_mean(api, index, data, "12", "valid-accuracy") for data, _ in DATA.values()]
        test = [_mean(api, index, data, "200", "test-accuracy") for _, data in DATA.values()]
        writer.writerow([index, api.arch(index), *valid, *test])


def _mean(api: Any, index: int, data: str, epochs: str, name: str) -> str:
    return f"{api.get_more_info(index, data, hp=epochs, is_random=False)[name]:.4f}"


def main() -> None:
    """Read the command line, and write the table to standard output."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", help="NATS-tss-v1_0-3ffb9-simple, unpacked")
    arguments = parser.parse_args()
    try:
        from nats_bench import create
    except ImportError:
        parser.error("there is no package nats_bench; `pip install nats_bench` installs it")
    write_table(create(arguments.folder, "tss", fast_mode=True, verbose=False), sys.stdout)


if __name__ == "__main__":
    main()
