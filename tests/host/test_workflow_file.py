"""The model segmentation_chain, as a file."""

from pathlib import Path

from qgis.core import QgsProcessingModelAlgorithm, QgsProcessingModelChildParameterSource

FILE = Path(__file__).resolve().parents[2] / "resources" / "workflows" / "segmentation_chain.model3"
FIXED = QgsProcessingModelChildParameterSource.Source.StaticValue


def test_what_the_model_does_not_set_has_the_defaults_of_today(provider):
    model = QgsProcessingModelAlgorithm()
    assert model.fromFile(str(FILE))
    compared = 0
    for name, child in model.childAlgorithms().items():
        sources = child.parameterSources()
        for definition in child.algorithm().parameterDefinitions():
            if definition.isDestination():
                continue
            (source,) = sources[definition.name()]
            if source.source() == FIXED:
                assert source.staticValue() == definition.defaultValue(), f"{name}: {definition.name()}: make workflows"
                compared += 1
    assert compared > 100
