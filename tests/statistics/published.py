"""Data whose statistics others published: R's data sets, NIST's reference data, and the project's files."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from adapters.statistics.results import Cohort
from tests.statistics.numbers import decimals

DATA = Path(__file__).parent.parent.parent / "scripts" / "data"

# R `cars`: miles per hour, and feet to stop
SPEED = [
    *(4, 4, 7, 7, 8, 9, 10, 10, 10, 11, 11, 12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15),
    *(15, 16, 16, 17, 17, 17, 18, 18, 18, 18, 19, 19, 19, 20, 20, 20, 20, 20, 22, 23, 24, 24, 24, 24, 25),
]
DISTANCE = [
    *(2, 10, 4, 22, 16, 10, 18, 26, 34, 17, 28, 14, 20, 24, 28, 26, 34, 34, 46, 26, 36, 60, 80, 20, 26),
    *(54, 32, 40, 32, 40, 50, 42, 56, 76, 84, 36, 46, 68, 32, 48, 52, 56, 64, 66, 54, 70, 92, 93, 120, 85),
]

# R `sleep`: extra hours of ten patients after either drug (Student, 1908)
FIRST_DRUG = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND_DRUG = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

# R `PlantGrowth`: dried weight of plants (Dobson, 1983)
PLANTS = {
    "ctrl": [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
    "trt1": [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
    "trt2": [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
}

# R `Nile`: yearly flow at Aswan from 1871 on, 10⁸ m³; it fell in 1899 (Cobb, 1978)
NILE = [
    *(1120, 1160, 963, 1210, 1160, 1160, 813, 1230, 1370, 1140, 995, 935, 1110, 994, 1020, 960, 1180, 799, 958, 1140),
    *(1100, 1210, 1150, 1250, 1260, 1220, 1030, 1100, 774, 840, 874, 694, 940, 833, 701, 916, 692, 1020, 1050, 969),
    *(831, 726, 456, 824, 702, 1120, 1100, 832, 764, 821, 768, 845, 864, 862, 698, 845, 744, 796, 1040, 759),
    *(781, 865, 845, 944, 984, 897, 822, 1010, 771, 676, 649, 846, 812, 742, 801, 1040, 860, 874, 848, 890),
    *(744, 749, 838, 1050, 918, 986, 797, 923, 975, 815, 1020, 906, 901, 1170, 912, 746, 919, 718, 714, 740),
]

# R `?cor.test`: lightness and panel score of canned tuna (Hollander and Wolfe, 1973)
LIGHTNESS = [44.4, 45.9, 41.9, 53.3, 44.7, 44.1, 50.7, 45.2, 60.1]
SCORE = [2.6, 3.1, 2.5, 5.0, 3.6, 4.0, 5.2, 2.8, 3.8]

# NIST StRD `Norris`: calibration of ozone monitors
NORRIS_X = [
    *(0.2, 337.4, 118.2, 884.6, 10.1, 226.5, 666.3, 996.3, 448.6, 777.0, 558.2, 0.4, 0.6, 775.5, 666.9, 338.0, 447.5),
    *(11.6, 556.0, 228.1, 995.8, 887.6, 120.2, 0.3, 0.3, 556.8, 339.1, 887.2, 999.0, 779.0, 11.1, 118.3, 229.2, 669.1),
    *(448.9, 0.5),
]
NORRIS_Y = [
    *(0.1, 338.8, 118.1, 888.0, 9.2, 228.1, 668.5, 998.5, 449.1, 778.9, 559.2, 0.3, 0.1, 778.1, 668.8, 339.3, 448.9),
    *(10.8, 557.7, 228.3, 998.0, 888.8, 119.6, 0.3, 0.6, 557.6, 339.3, 888.0, 998.5, 778.9, 10.2, 117.6, 228.9, 668.4),
    *(449.2, 0.2),
]


def _rows(name: str) -> Iterator[dict[str, str]]:
    with (DATA / name).open() as lines:
        yield from csv.DictReader(lines)


def chicks(diet: str | None = None) -> tuple[list[float], list[float]]:
    """Days and weights of R's `ChickWeight`, of one diet or of all."""
    rows = [row for row in _rows("chick_weight.csv") if diet in (None, row["Diet"])]
    return [float(row["Time"]) for row in rows], [float(row["weight"]) for row in rows]


def daily_means(diet: str) -> tuple[list[float], list[float]]:
    """Days, and the mean weight of the diet's chicks on each."""
    of_day: defaultdict[float, list[float]] = defaultdict(list)
    for day, weight in zip(*chicks(diet), strict=True):
        of_day[day].append(weight)
    return list(of_day), [sum(weights) / len(weights) for weights in of_day.values()]


def treatments() -> list[Cohort]:
    """The treatments of R's `MASS::anorexia`: weights before and after, in pounds."""
    before: defaultdict[str, list[float]] = defaultdict(list)
    after: defaultdict[str, list[float]] = defaultdict(list)
    for row in _rows("anorexia.csv"):
        before[row["Treat"]].append(float(row["Prewt"]))
        after[row["Treat"]].append(float(row["Postwt"]))
    return [Cohort(treatment, decimals(before[treatment]), decimals(after[treatment])) for treatment in sorted(before)]
