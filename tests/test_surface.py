"""The public names of every room, and what importing them costs."""

from __future__ import annotations

import importlib
import json
import pkgutil
import subprocess
import sys
from types import ModuleType

import pytest

PUBLIC = {
    "classification": """
        Agreement CONTROLS Calls Her2Ladder Her2Scores Her2Verdict Leukocytes MatchedEvents
        OrdinalAgreement agreement agreement_of_counts calibrate call_cells find_leukocytes
        her2_verdict her2_verdict_of_counts her2_verdict_of_values match_events ordinal_agreement
        score_her2 simulated_calibration simulated_cells write_calibration""",
    "cli": "main",
    "cohorts": """
        InteractionEffect LUMINAL_B
        PRESETS CohortSpec CountEffect CovariateEffect RegressionDilution SimulatedCohort preset
        regression_dilution simulate""",
    "definitions": """
        Assay CallRule Catalogue Condition Conflict Cutoff DatedCutoff Denominator DynamicsClass
        DynamicsRule Endpoint FunnelStep Group KINDS Her2Calibration Her2Rule Level OUTCOME_KINDS
        PositivityRule Printed Quips Reference Statistic Study Subtype json_schema load load_all
        references""",
    "enumeration": """
        CountBeforeImaging CountKinetics ResponseByCategory ResponseByDynamics ResponseModel
        count_before_imaging count_kinetics response_by_category response_by_dynamics
        response_model
        CallCounts ChangeTest CountLimits CountRegression DetectionCurve DetectionLimit Dynamics
        FewMeasurementsWarning FittedPopulation Interval Measurement NegativeBinomial
        PoissonLognormal Positivity RecoveryLine Statuses TubeTotals agreement_probability
        change_test combine_tubes concentration_probability count_calls count_limits
        count_regression detection_curve detection_probability disagreement_probability dynamics
        expected_positivity fit_population limit_of_blank limit_of_detection poisson_interval
        positivity proportion_interval recovery_line smallest_cutoff statuses
        volume_for_detection""",
    "evidence": """
        Contributions contributions
        ReconstructedArm Reconstruction RepairedCurveWarning reconstruct CountTests Disagreement
        Finding Findings check_statistics p_values_of_counts Conflicts Effects FoundStatistic
        Studies conflicts find studies BackTransformationWarning EffectSizes proportions
        rate_ratios rates ratios_from_intervals ratios_from_log_rank ratios_from_p_values
        two_groups PooledCounts mantel_haenszel peto pool_proportions MetaRegression Subgroups
        meta_regression subgroups Influence PooledSeries ShrunkenEffects blups cumulative
        influence leave_one_out AsymmetryTest FailSafeNumber PetPeese TrimAndFill egger_test
        fail_safe_number pet_peese rank_test trim_and_fill TwoOutcomes pool_two_outcomes
        NotPoolableError PooledEffects pool_effects Obstacle CentreFit CentreInteraction
        Heterogeneity Imputed InteractionEffect Interval LeaveOneOut NarrowIntervalWarning
        OneStage Pooled Prediction RubinResult TwoStage impute interaction_within_and_across
        leave_one_centre_out one_stage pool rubin two_stage""",
    "figures": """
        count_bars_figure look_boundaries_figure power_curve_figure protocol_flow_figure
        timeline_figure world_map_figure
        reconstruction_figure
        baujat_figure funnel_figure leave_one_out_figure meta_forest_figure
        counts_over_time_figure
        Figure accuracy_figure calibration_figure cartridge_map_figure caterpillar_figure
        cell_scatter_figure cohort_flow_figure count_distribution_figure
        cumulative_incidence_figure cut_point_figure decision_curve_figure dilution_figure
        dynamics_flow_figure forest_figure kaplan_meier_figure marker_form_figure
        pooled_forest_figure positivity_figure predicted_survival_figure schoenfeld_figure
        status_risk_figure time_ticks""",
    "imaging": """
        AssignedEvent Cartridge Channel Detection Layout NucleiSettings Phantom PhantomSpec
        Segmented SegmentationSettings detect open_folder phantom segment segment_nuclei
        write_folder""",
    "records": """
        Expectations ExtraColumn InputFormat TABLES TableRead TablesRead blank check_tables
        data_dictionary default_runs describe key_of read_table read_tables validate""",
    "reports": """
        Callout Column Definitions FigureBlock GroupHeader KeyFigure KeyFigures Paragraph
        Reference References Report Row SampleFacts SampleSummary Section Table gallery_page
        render_html""",
    "storage": """
        file_digest results_folder software_versions write_anndata write_run_log write_table""",
    "survival": """
        AbsoluteRisk AccuracyDifference BrierScore Calibration CauseSpecificResult Concordance
        ConcordanceDifference CoxResiduals CoxResult CumulativeIncidence Curve CurveValues
        CutPointSearch DecisionCurve ExplainedVariation FewEventsWarning FineGrayResult
        FineGrayRows FirthResult FormulaCox FrailtyResult HazardRatioWindows IncidenceCurve
        IncidenceValues InteractionTest KaplanMeier LandmarkResult LeadTime LikelihoodRatio
        MarkerForm MarkerForms MaxComboResult MilestoneDifference MissingRowsWarning
        NetReclassification Optimism Persistence PersonYears PredictedCurve PredictedIncidence
        PredictedSurvival PredictiveValues ProfileLimits ProportionalHazardsTest RateRatio
        RestrictedMeanDifference SplineBasis StatusHistory SubgroupEffects SubgroupLevel
        TestResult TimeDependentAuc TreatmentByMarker UnsharedFrailtyWarning
        absolute_risk_by_status baseline_hazard bootstrap_optimism brier_score calibration
        cause_specific classify_subtype compare_accuracy compare_concordance compare_marker_forms
        concordance cox cox_concordance cox_formula cox_residuals cumulative_incidence
        cut_point_search day_histogram decision_curve derive_events explained_variation fine_gray
        fine_gray_rows firth_cox follow_up frailty_cox gray_test hazard_ratio_windows
        kaplan_meier kaplan_meier_formula landmark lead_time likelihood_ratio log_rank
        log_rank_formula log_rank_from_histogram max_combo milestone_difference
        net_reclassification persistence person_years predict_survival predictive_values
        profile_limits proportional_hazards_test rate_ratio restricted_cubic_spline
        restricted_mean_difference status_history subgroup_effects time_dependent_auc
        treatment_by_marker uno_concordance""",
    "testing": "",
    "trials": """
        AssayEnrichment assay_enrichment MarkerDesign MarkerDesigns marker_designs
        InteractionEvents interaction_events DiscordantDilution discordant_dilution
        Allocation AllocationScheme Past RandomisationMetrics RerandomisationTest allocate
        allocation_scheme randomisation_metrics rerandomisation_test
        DetectableShare InterimPower MisclassifiedClearance ProportionContrast
        ProportionFormulaSize ProportionPower ProportionSize ProportionTest SimonDesign
        SimonDesigns SingleArmSize boschloo_test farrington_manning_test
        fisher_conditional_power fisher_exact_test fisher_predictive_power
        miettinen_nurminen_interval misclassified_clearance simon_two_stage single_arm_size
        two_proportions_detectable two_proportions_formula two_proportions_p_values
        two_proportions_power two_proportions_size two_proportions_z_test
        ExpectedScore ProtocolTrial SimulatedPatients simulated_analysis
        simulated_patients SimulatedLooks SurvivalDesign concordant_share
        expected_score simulate_survival survival_design
        ColumnRouter CourseEvents Executable LogRankEvents LogRankLimits LogRankPower
        LogRankSize MethodComparison ProtocolChecks Route RoutedColumns TrialCourse
        average_hazard_ratio check_protocol compare_methods course_events
        decision_tables draw_population flow_diagram hazard_of_survival implied_events
        load_protocol log_rank_accrual log_rank_events log_rank_follow_up log_rank_limits
        log_rank_power
        log_rank_power_of_patients log_rank_size route_patient time_of_events
        typed_patients
        ErrorSpending GroupSequential MonitoredLooks SequentialEvents error_spending
        group_sequential sequential_events sequential_looks_at
        AccrualPrediction ConditionalCrossing ConditionalPower EventPrediction ExpectedAccrual
        RepeatedInterval StagewiseInference conditional_crossing conditional_power
        expected_accrual predict_accrual predict_events repeated_interval stagewise_inference""",
    "registries": """
        CellVerdict Contradiction Evidence Landscape LandscapeChange LandscapeTrial LinkedTrial
        Normalised Override PreciseDate ReadRegistrations Registration StatusOn Surveyed cell_rules
        classify classify_fields compare_dates country_code landscape_on link normalise phase_codes
        precise_date read_overrides read_registrations status_on""",
    "workflows": "",
}
ERRORS = {
    "AshworthError", "AshworthWarning", "DefinitionError", "DefinitionFileError",
    "EstimationError", "ImmortalTimeError", "InputError", "MonotoneLikelihoodWarning",
    "NotEstimableWarning", "Problem", "FrameError",
}  # fmt: skip


def python(program: str) -> str:
    """Run a program in a fresh interpreter; give what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def loaded(program: str) -> set[str]:
    """Top-level packages that a program has loaded at its end."""
    tail = "\nimport sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    return set(json.loads(python(program + tail).splitlines()[-1]))


def test_every_room_is_pinned():
    import ashworth

    rooms = {m.name for m in pkgutil.iter_modules(ashworth.__path__)} - {
        "errors",
        "streams",
        "version",
    }
    assert rooms == set(PUBLIC)


@pytest.mark.parametrize("room", PUBLIC)
def test_public_names(room):
    module = importlib.import_module(f"ashworth.{room}")
    names = list(getattr(module, "__all__", ()))
    assert set(names) == set(PUBLIC[room].split())
    assert len(names) == len(set(names))
    for name in names:
        assert not isinstance(getattr(module, name), ModuleType), name
    with pytest.raises(AttributeError):
        module.no_such_name  # noqa: B018


def test_public_errors():
    module = importlib.import_module("ashworth.errors")
    classes = {n for n, v in vars(module).items() if isinstance(v, type) and n[0] != "_"}
    assert classes - {"Sequence"} >= ERRORS


AFTER = """
import importlib, pkgutil, sys
from types import ModuleType
room = importlib.import_module("ashworth.{room}")
for found in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
    importlib.import_module(found.name)
for name in getattr(room, "__all__", ()):
    value = getattr(room, name)
    if isinstance(value, ModuleType):
        sys.exit(f"{{name}} is a module")
    inside = {{}}
    exec(f"from ashworth.{room} import {{name}}", inside)
    if inside[name] is not value:
        sys.exit(f"{{name}} has two values")
"""


@pytest.mark.parametrize("room", ["enumeration", "evidence", "survival"])
def test_no_module_hides_a_public_name(room):
    python(AFTER.format(room=room))


HEAVY = {"polars", "numpy", "scipy", "numba", "pandas", "altair", "vl_convert", "dataframely"}


def test_importing_the_package_loads_nothing_heavy():
    assert not loaded("import ashworth") & {*HEAVY, "pydantic", "cyclopts"}


@pytest.mark.parametrize(
    "room", ["survival", "evidence", "enumeration", "definitions", "records", "figures"]
)
def test_importing_a_room_loads_no_heavy_package(room):
    assert not loaded(f"import ashworth.{room}") & HEAVY


@pytest.mark.parametrize("words", [["--help"], ["run", "--help"], ["simulate", "cohort", "--help"],
                                   ["definitions", "--help"], ["--version"]],
                         ids=" ".join)  # fmt: skip
def test_help_loads_no_heavy_package(words):
    program = (
        "from ashworth.cli import main\n"
        f"try:\n    main({words!r})\nexcept SystemExit as left:\n    assert left.code == 0\n"
    )
    assert not loaded(program) & HEAVY


def test_survival_loads_no_chart_and_no_compiler_for_small_data():
    program = "from ashworth.survival import cox\ncox([1, 2, 3, 4], [1, 0, 1, 1], [1, 0, 0, 1])"
    assert not loaded(program) & {"altair", "vl_convert", "numba", "jinja2", "pandas"}
