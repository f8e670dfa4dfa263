"""Which losses are drawn, of one run and of several together."""

from __future__ import annotations

from helpers.report_files import epochs, run

from disent_plugins.reports.curves import curves_of, curves_together, terms_of


def test_the_losses_of_a_run_without_its_timings():
    made = run(epochs=epochs(reconstruction=3.0, learning_rate=0.1, data_wait=0.0, images_per_second=9.0))
    assert terms_of(made) == ["total", "reconstruction"]


def test_a_chart_has_training_and_validation_and_constants_are_words():
    charts, constant = curves_of(run(epochs=epochs(decay=0.0)))
    (drawn,) = charts
    assert [(line.label, line.color, line.dash) for line in drawn.lines] == [("training", 0, 0), ("validation", 1, 1)]
    assert constant == ["decay 0"]


def test_the_only_epoch_is_a_chart_and_no_constant():
    charts, constant = curves_of(run(epochs=[{"epoch": 1, "total": 3.0}]))
    assert ([drawn.title for drawn in charts], constant) == (["total"], [])


def test_of_several_runs_shared_losses_are_drawn_and_models_differ_in_their_lines():
    def of(model, seed, **more):
        lines = [{**record, **{k: v / record["epoch"] for k, v in more.items()}} for record in epochs()]
        return run(settings={"model": model, "seed": seed}, epochs=lines)

    runs = [of("a", 0, reconstruction=4.0, own=1.0), of("a", 1, reconstruction=4.0), of("b", 0, reconstruction=2.0)]
    legend, charts = curves_together(runs)
    assert [drawn.title for drawn in charts] == ["total", "reconstruction"]
    looks = [(entry.label, entry.color, entry.dash) for entry in legend]
    assert looks == [("a", 0, 0), ("b", 1, 1)]
    assert [(line.color, line.dash) for line in charts[0].lines] == [(0, 0), (0, 0), (1, 1)]
    assert "a, seed 0 from 110 in epoch 1" in charts[0].words  # the validation images, where there are any


def test_of_one_model_all_losses_are_drawn():
    lines = [{**record, "own": 1.0 / record["epoch"]} for record in epochs()]
    _, charts = curves_together([run(epochs=lines), run(epochs=lines)])
    assert [drawn.title for drawn in charts] == ["total", "own"]


def test_runs_without_epochs_have_no_curves():
    assert curves_of(run(epochs=[])) == ([], [])
    assert curves_together([run(epochs=[]), run(epochs=[])])[1] == []
