"""Random requirements and capabilities from few names, so that matches are as frequent as mismatches."""

from __future__ import annotations

from hypothesis import strategies as st

from emprops.core.capabilities import Capabilities
from emprops.core.requirements import Requirements

SERVICES = ("s", "t")
NAMES = ("a", "b", "c")
SIZES = (0, 1, 8, 24)

names = st.frozensets(st.sampled_from(NAMES), max_size=2)
requirements = st.builds(
    Requirements,
    service=st.sampled_from(SERVICES),
    models=names,
    gpu_memory_gb=st.sampled_from(SIZES),
    memory_gb=st.sampled_from(SIZES),
    cpu_cores=st.sampled_from(SIZES),
    regions=names,
    labels=names,
    excluded_labels=names,
    excluded_workers=names,
    customer=st.none() | st.sampled_from(NAMES),
    isolated=st.booleans(),
)
capabilities = st.builds(
    Capabilities,
    services=st.frozensets(st.sampled_from(SERVICES), min_size=1),
    models=st.frozensets(st.sampled_from(NAMES)),
    loaded_models=names,
    gpu_memory_gb=st.sampled_from(SIZES),
    memory_gb=st.sampled_from(SIZES),
    cpu_cores=st.sampled_from(SIZES),
    region=st.none() | st.sampled_from(NAMES),
    labels=st.frozensets(st.sampled_from(NAMES)),
    customers=names,
    excluded_customers=names,
)
few_requirements = st.builds(
    Requirements,
    service=st.sampled_from(SERVICES),
    models=st.sampled_from([frozenset(), frozenset({"a"}), frozenset({"b"})]),
    gpu_memory_gb=st.sampled_from((0, 8)),
)
few_capabilities = st.builds(
    Capabilities,
    services=st.frozensets(st.sampled_from(SERVICES), min_size=1),
    models=st.frozensets(st.sampled_from(("a", "b"))),
    loaded_models=st.frozensets(st.sampled_from(("a", "b"))),
    gpu_memory_gb=st.sampled_from((0, 8, 24)),
)
