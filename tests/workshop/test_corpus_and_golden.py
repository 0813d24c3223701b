import json

import pytest

from support import corpus
from support.golden import Golden


def test_every_recording_is_in_the_repository():
    """A clone has every recording, each with its truth and its spans."""
    names = corpus.names()
    assert len(names) == len(set(names)) == 465
    assert len(corpus.all_names()) == len(set(corpus.all_names())) == 1341
    later = corpus.recording("corpus2/genkit/tool_loop")
    assert later.id == "corpus2/genkit/tool_loop"
    assert later.truth["scenario"] == later.scenario
    for recording in corpus.recordings("openai-v2"):
        assert recording.spans["resourceSpans"]
        assert recording.truth["scenario"] == recording.scenario


def test_a_recording_becomes_files(tmp_path):
    """The files contain the same documents."""
    recording = corpus.recording("openai-v2/tool_loop")
    spans, logs = recording.write(tmp_path)
    assert json.loads(spans.read_text()) == recording.spans
    assert json.loads(logs.read_text()) == recording.logs


def test_a_golden_file_is_compared(tmp_path):
    """A value that differs from its golden file fails."""
    path = tmp_path / "task.json"
    path.write_text('{"a": [1]}')
    golden = Golden(update=False)
    golden.check({"a": (1,)}, path)
    with pytest.raises(AssertionError):
        golden.check({"a": (2,)}, path)
    with pytest.raises(pytest.fail.Exception, match="missing"):
        golden.check({}, tmp_path / "none.json")


def test_an_update_rewrites_and_fails(tmp_path):
    """An update always fails the run that makes it, and no other."""
    path = tmp_path / "case" / "task.json"
    golden = Golden(update=True)
    with pytest.raises(pytest.fail.Exception, match="look at the diff"):
        golden.check({"a": 1}, path)
    golden.check({"a": 1}, path)
    assert json.loads(path.read_text()) == {"a": 1}
