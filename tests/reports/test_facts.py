"""What a report says first: what was run, on what, for how long and where."""

from __future__ import annotations

from helpers.report_files import run

from disent_plugins.reports.facts import data_words, facts_of, machine_of, machine_words, settings_of, training_words

DATA = {
    "content_hash": "0123456789abcdef",
    "images": 1797,
    "training": {"images": 1297, "groups": 10, "image": {"channels": 1, "height": 32, "width": 16}},
}


def test_the_data():
    made = run(data=DATA, settings={"data_options": {"size": 32, "order": ["a", "b"]}})
    assert data_words(made) == (
        "digits, size=32, order=a, b, 1,297 training images in 10 groups, 1,797 images in all, 32 x 16 x 1, "
        "content 0123456789ab"
    )
    assert data_words(run(data={})) == "digits"


def test_the_training():
    environment = {"precision": {"used": "bf16"}}
    made = run(settings={"batch_size": 128}, environment=environment)
    assert training_words(made) == "2 epochs of batches of 128, 3.0 s, seed 0, bf16"
    assert training_words(run(count=1, settings={"seed": None})) == "1 of 2 epochs, 1.5 s"


def test_the_machine():
    assert machine_words({"device": "cpu", "cpus": 2, "threads": 1, "processes": 1}) == "cpu, 2 CPU cores, 1 thread"
    gpu = {"device": "cuda:0", "gpu": "H200", "cpus": 1, "processes": 4, "platform": "Linux"}
    assert machine_words(gpu) == "H200, 1 CPU core, 4 processes, Linux"
    assert machine_words({}) == ""


def test_a_run_that_says_nothing_of_itself():
    facts = dict(facts_of(run(settings={"model": None, "seed": None}, data={}, environment={})))
    assert facts["machine"] == facts["versions"] == "not recorded"


def test_settings_and_machine_are_written_as_they_are_typed():
    made = run(
        settings={"milestones": [3, 5], "limit": None, "options": {"k": 1.0, "on": True}},
        environment={"command": ["/home/me/disent"], "libraries": {"numpy": "2"}, "gpu": None},
    )
    settings = dict(settings_of(made))
    assert (settings["milestones"], settings["limit"]) == ("3, 5", "none")
    assert (settings["options.k"], settings["options.on"]) == ("1.0", "true")
    assert dict(machine_of(made)) == {"libraries.numpy": "2", "gpu": "none"}
