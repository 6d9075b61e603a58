"""How registrations word it: cells, and what only looks like them."""

from __future__ import annotations

import pytest

from ashworth.registries.classification.verdicts import classify_fields

CTC = [
    "Circulating tumor cells in metastatic breast cancer",
    "Circulating Tumour Cell count at baseline",
    "circulating cancer cells",
    "circulating breast cancer cells",
    "circulating carcinoma cells",
    "Circulating epithelial tumor cells (CETC) during therapy",
    "circulating tumoral cells (CTC) measurement",
    "Circulating-tumor-cells",
    "CTC-guided treatment of breast cancer",
    "CTC counts by CellSearch",
    "CTC enumeration in 7.5 ml of blood",
    "patients with HER2 positive CTCs",
    "change in CTCs and ctDNA",
    "CTC clusters dissolve",
    "circulating tumor cell clusters",
    "circulating tumor microemboli",
    "Treatment decision by blood levels of tumor cells",
    "tumor cells in the peripheral blood",
    "cancer cells found in the blood",
    "blood will be drawn for CTC testing",
    "CTC status at week 12",
    "CTC-positive patients",
    "detection of CTCs with the Parsortix system",
    "CTC dynamics under first-line therapy",
    "a decrease of the number of detectable CTCs",
    "Zirkulierende Tumorzellen bei Brustkrebs",
    "cellules tumorales circulantes",
    "células tumorales circulantes",
    "cellule tumorali circolanti",
    "circulerende tumorcellen",
    "Prognostic value of CTC (circulating tumor cells) by ISET",
]
DTC = [
    "Disseminated tumor cells in bone marrow",
    "disseminating tumor cells",
    "Disseminated Tumour Cell immunocytochemistry",
    "disseminated cancer cells in the marrow",
    "isolated tumor cells in bone marrow",
    "tumor cells in the bone marrow",
    "bone marrow micrometastases",
    "occult bone marrow micrometastasis",
    "micrometastases in the bone marrow",
    "bone marrow aspirate shows detectable DTCs (via IHC)",
    "cytokeratin-positive cells in bone marrow",
    "Disseminierte Tumorzellen im Knochenmark",
    "cellules tumorales disséminées",
    "células tumorales diseminadas",
    "DTC-positive patients after chemotherapy",
]
NOTHING = [
    "Toxicity by NCI CTC version 3.0",
    "adverse events graded by CTC v2.0",
    "common toxicity criteria (CTC) grade 3 or 4",
    "CTCAE grade 2",
    "neuropathy CTC grade 1",
    "no CTC grade above 1",
    "haematological toxicity, CTC scale",
    "circulating tumor DNA (ctDNA)",
    "circulating endothelial cells",
    "circulating hematopoietic progenitor cells",
    "circulating T cells",
    "isolated tumor cells in sentinel lymph nodes, pN0(i+)",
    "micrometastasis in the sentinel node",
    "no invasive tumor cells in the breast",
    "differentiated thyroid cancer (DTC)",
    "DTC patients after thyroidectomy with bone marrow suppression",
    "direct to consumer (DTC) advertising",
    "CT colonography (CTC) detects polyps",
    "NHMRC Clinical Trials Centre (CTC)",
    "cyclophosphamide, thiotepa and carboplatin (CTC) with blood stem cells",
    "adequate bone marrow function",
    "bone marrow metastases",
    "minimal residual disease in leukemia",
    "Communities That Care (CTC) counts",
    "CTC0001 study number",
    "blood pressure and tumor size",
    "disseminated intravascular coagulation",
]


@pytest.mark.parametrize("text", CTC)
@pytest.mark.parametrize("field", ["brief_title", "eligibility", "other_outcomes"])
def test_circulating(field, text):
    verdict = classify_fields({field: text, "conditions": "Breast Cancer"})
    assert verdict.specimen == "CTC"
    assert verdict.tier == {"brief_title": 1, "eligibility": 2, "other_outcomes": 3}[field]
    assert all(e.words for e in verdict.evidence)


@pytest.mark.parametrize("text", DTC)
@pytest.mark.parametrize("field", ["brief_title", "primary_outcomes"])
def test_disseminated(field, text):
    verdict = classify_fields({field: text, "conditions": "Breast Cancer"})
    assert verdict.specimen == "DTC"
    assert verdict.tier == {"brief_title": 1, "primary_outcomes": 2}[field]


@pytest.mark.parametrize("text", NOTHING)
@pytest.mark.parametrize("field", ["brief_title", "eligibility", "other_outcomes", "description"])
def test_what_is_no_cell(field, text):
    verdict = classify_fields({field: text, "conditions": "Breast Cancer"})
    assert verdict.specimen == "none", verdict.evidence


def test_both_and_mentions():
    both = classify_fields(
        {"brief_title": "CTCs (circulating tumor cells) and DTCs in bone marrow"}
    )
    assert both.specimen == "both"
    only = classify_fields({"description": "Circulating tumor cells may be studied later."})
    assert (only.specimen, only.tier) == ("mention", 4)


@pytest.mark.parametrize(
    ("conditions", "scope"),
    [
        ("Breast Cancer", "breast"), ("Breast Neoplasms, Male", "breast"),
        ("Mammary carcinoma", "breast"), ("DCIS of the breast", "breast"),
        ("Lung Cancer | Breast Cancer", "breast"), ("Cancer du sein", "breast"),
        ("Mammakarzinom", "breast"), ("Prostate Cancer", "other"), ("Sleep", "other"),
    ],
)  # fmt: skip
def test_scope(conditions, scope):
    assert classify_fields({"conditions": conditions}).scope == scope
