"""Every registered feature on Spark: the same rows, numbers, reasons and types as on Polars."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from features.catalogue import catalogue
from features.compute import Computed, compute_features
from tests.features.world import CONTEXT, world
from tests.features.world.compare import as_it_is

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

pytestmark = pytest.mark.spark

GRAINS = sorted({b.grain for b in catalogue().bases.values()})
SMALL = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    # Compiling code for a hundred rows costs more than it saves.
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.ui.explainMode": "simple",
    "spark.sql.maxPlanStringLength": "1000",
    "spark.driver.extraJavaOptions": (
        "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xss8m -Xms1g -Xmn600m"
    ),
}


@pytest.fixture(scope="module")
def session() -> Iterator[SparkSession]:
    pytest.importorskip("pyspark", reason="PySpark is not installed")
    if shutil.which("java") is None:
        pytest.skip("Java is not installed")
    from detector.backends.spark import open_session

    opened = open_session("local[2]", SMALL)
    opened.sparkContext.setLogLevel("ERROR")
    with pytest.MonkeyPatch.context() as patched:
        remember_names(patched)
        yield opened
    opened.stop()


def remember_names(patched: pytest.MonkeyPatch) -> None:
    """Lets the bridge to Java look a class or a function up once, not at every use.

    A third of what passes over the bridge while plans are built is such questions.
    """
    bridge = pytest.importorskip("py4j.java_gateway")

    def remembering(look: Callable[[Any, str], Any]) -> Callable[[Any, str], Any]:
        def found(self: Any, name: str) -> Any:
            self.__dict__[name] = look(self, name)
            return self.__dict__[name]

        return found

    for kind in (bridge.JavaClass, bridge.JVMView):
        patched.setattr(kind, "__getattr__", remembering(kind.__getattr__))


@pytest.fixture(scope="module")
def here() -> Computed:
    return as_it_is()


@pytest.fixture(scope="module")
def there(session: SparkSession) -> Computed:
    from detector.backends.spark import filings

    return compute_features(filings(session, world_lazily()), None, CONTEXT)


def world_lazily() -> dict[str, pl.LazyFrame]:
    return {name: table.lazy() for name, table in world().items()}


@pytest.mark.parametrize("grain", GRAINS)
def test_features_are_equal_on_both_engines(here: Computed, there: Computed, grain: str) -> None:
    ours, theirs = here.frames[grain], there.frames[grain]
    assert ours.features == theirs.features
    assert ours.frame.schema == theirs.frame.schema
    assert_frame_equal(ours.frame, theirs.frame, rel_tol=1e-9, abs_tol=1e-9)


def test_no_feature_is_left_out_on_spark(here: Computed, there: Computed) -> None:
    computed = {f.name for frame in there.frames.values() for f in frame.features}
    assert computed == set(catalogue().features)
    assert there.skipped == here.skipped == {}


def test_memberships_and_notes_are_equal_on_both_engines(here: Computed, there: Computed) -> None:
    assert set(here.memberships) == set(there.memberships)
    assert set(here.notes) == set(there.notes)
    for pair, rows in here.memberships.items():
        assert_frame_equal(rows, there.memberships[pair], check_dtypes=False)
    for name, told in here.notes.items():
        assert_frame_equal(told, there.notes[name], check_dtypes=False)
