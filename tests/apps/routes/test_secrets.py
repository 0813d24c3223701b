"""The file of an agent's secret."""

from __future__ import annotations

import os
import stat

import pytest

from infinium_otel.apps.routes import secrets

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")


def write(path, text="a-secret\n", mode=0o600):
    path.write_text(text)
    path.chmod(mode)
    return path


def make_status(owner, mode):
    """The status of a file that only root could make here."""
    return os.stat_result((stat.S_IFREG | mode, 1, 1, 1, owner, 0, 9, 0, 0, 0))


def test_the_line_end_is_no_part_of_it(tmp_path):
    """Editors and `echo` add one."""
    assert secrets.read_secret(write(tmp_path / "s")).reveal() == "a-secret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602])
def test_others_must_not_read_or_replace_it(tmp_path, mode):
    """The error has the command that mends it."""
    path = write(tmp_path / "s", mode=mode)
    with pytest.raises(ValueError, match=f"other users can read {path}: chmod 600"):
        secrets.read_secret(path)


@pytest.mark.parametrize("mode", [0o400, 0o600])
def test_the_owner_may_read_it(tmp_path, mode):
    """Written or not."""
    assert secrets.read_secret(write(tmp_path / "s", mode=mode))


def test_a_link_is_followed(tmp_path):
    """Kubernetes mounts each key of a secret as a link."""
    (tmp_path / "s").symlink_to(write(tmp_path / "target"))
    assert secrets.read_secret(tmp_path / "s").reveal() == "a-secret"


@pytest.mark.parametrize(
    ("owner", "mode", "complaint"),
    [
        (0, 0o440, None),  # Kubernetes with fsGroup
        (0, 0o444, "other users can read"),
        (0, 0o460, "other users can read"),
        (4242, 0o600, "belongs to another user"),
    ],
)
def test_a_secret_that_root_mounted(tmp_path, owner, mode, complaint):
    """The group of the pod is how we can read it at all."""
    status = make_status(owner, mode)
    if complaint is None:
        secrets._check_owner(tmp_path, status, 1000)
        return
    with pytest.raises(ValueError, match=complaint):
        secrets._check_owner(tmp_path, status, 1000)


@pytest.mark.parametrize("text", ["", " \n"])
def test_an_empty_file(tmp_path, text):
    """It is no secret."""
    with pytest.raises(ValueError, match="is empty"):
        secrets.read_secret(write(tmp_path / "s", text))


def test_a_pipe_or_directory(tmp_path):
    """It is not waited for."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(ValueError, match="is not a file"):
        secrets.read_secret(tmp_path / "pipe")
