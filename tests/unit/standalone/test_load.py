"""Directories of YAML to resources: places, problems, and a memory for what was good."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Never

import pytest

from sipedge.secret import Secret
from support.undecodable import fail_at
from trunkline.api import Account, Edge, Number, ObjectRef, Trunk, ValueFault
from trunkline.standalone import files
from trunkline.standalone import load as load_module
from trunkline.standalone.load import Loaded, NoSuchPathError, load

OF_GROUP = "apiVersion: trunkline.dev/v1alpha1\n"
TRUNK = OF_GROUP + "kind: Trunk\nmetadata: {{name: {name}, namespace: acme}}\nspec: {{}}\n"
HQ = ObjectRef("Trunk", "acme", "hq")
LAB = ObjectRef("Trunk", "acme", "lab")


def trunk(name: str = "hq") -> str:
    return TRUNK.format(name=name)


def number(name: str = "num", value: str = '"+14155550100"', namespace: str = ", namespace: acme") -> str:
    return (
        f"apiVersion: trunkline.dev/v1alpha1\nkind: Number\nmetadata: {{name: {name}{namespace}}}\n"
        f"spec:\n  number: {value}\n"
    )


def reasons(loaded: Loaded) -> list[tuple[str, str]]:
    return [(problem.reason, problem.severity) for problem in loaded.problems]


def names(loaded: Loaded) -> list[str]:
    return [each.metadata.name for each in loaded.resources.of(Trunk)]


def test_reads_directories_to_any_depth_and_single_files(tmp_path: Path) -> None:
    """Both suffixes, any depth, several paths; other files and dot files are left alone."""
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c" / "x.yml").write_text(trunk("deep"))
    (tmp_path / "a" / "y.yaml").write_text(trunk("flat"))
    (tmp_path / "a" / "README.md").write_text("no: [yaml")
    (tmp_path / "a" / ".#y.yaml").symlink_to("nowhere")
    (tmp_path / "a" / ".git").mkdir()
    (tmp_path / "a" / ".git" / "z.yaml").write_text("{{")
    (tmp_path / "single.txt").write_text(trunk("single"))
    loaded = load([tmp_path / "a", tmp_path / "single.txt"])
    assert names(loaded) == ["deep", "flat", "single"]
    assert loaded.problems == ()


def test_position_of_objects_and_fields(tmp_path: Path) -> None:
    """Where an object and each of its fields is written, as the argument led there."""
    (tmp_path / "t.yaml").write_text("---\n" + trunk() + "---\n" + number())
    loaded = load([tmp_path])
    ref = ObjectRef("Number", "acme", "num")
    assert str(loaded.positions[HQ]) == f"{tmp_path}/t.yaml:2"
    assert str(loaded.position(ref, "spec.number")) == f"{tmp_path}/t.yaml:11"
    assert loaded.position(ref, "spec.trunkRef.name") == loaded.position(ref, "spec")
    assert loaded.position(ObjectRef("Number", "acme", "nobody")) is None


def test_relative_paths_stay_as_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages name files as people do."""
    (tmp_path / "tenant").mkdir()
    (tmp_path / "tenant" / "t.yaml").write_text("{")
    monkeypatch.chdir(tmp_path)
    assert str(load(["tenant"]).problems[0]).startswith("tenant/t.yaml:")
    assert str(load(["."]).problems[0]).startswith("tenant/t.yaml:")


def test_invalid_object_is_a_problem_with_its_line_and_the_rest_is_there(tmp_path: Path) -> None:
    """The number that YAML reads as an integer: said with the field's line and the mend."""
    (tmp_path / "n.yaml").write_text(number(value="+14155550100") + "---\n" + trunk())
    loaded = load([tmp_path])
    (problem,) = loaded.problems
    assert (problem.position.line, problem.field, str(problem.ref)) == (5, "spec.number", "Number acme/num")
    assert "in quotes" in problem.message
    assert names(loaded) == ["hq"]
    assert [str(each.ref) for each in loaded.resources.invalid] == ["Number acme/num"]


def test_namespace_defaults_to_default(tmp_path: Path) -> None:
    """For tenant kinds and Secrets alike."""
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {password: x}\n"
    (tmp_path / "n.yaml").write_text(number(namespace="") + "---\n" + secret)
    loaded = load([tmp_path])
    assert [str(each.ref) for each in loaded.resources.of(Number)] == ["Number default/num"]
    assert loaded.resources.secret("default", "s") is not None


def test_secret_values_are_decoded_and_shown_nowhere(tmp_path: Path) -> None:
    """`data` is base64, `stringData` is plain; neither is ever in a text form of what was loaded."""
    secret = (
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: acme}\n"
        "data: {a: cGxhbnRlZA==}\nstringData: {b: planted2}\n"
    )
    (tmp_path / "s.yaml").write_text(secret)
    loaded = load([tmp_path])
    values = loaded.resources.secret("acme", "s")
    assert values is not None
    assert values == {"a": Secret("planted"), "b": Secret("planted2")}
    assert "planted" not in repr(loaded)


def test_foreign_kinds_are_skipped_with_a_notice(tmp_path: Path) -> None:
    """A ConfigMap beside the trunks is no error."""
    (tmp_path / "c.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n---\n" + trunk())
    loaded = load([tmp_path])
    assert reasons(loaded) == [("ForeignKind", "notice")]
    assert names(loaded) == ["hq"]


@pytest.mark.parametrize(
    "text",
    (
        "just text\n",
        "- a\n- list\n",
        "kind: Trunk\n",
        "apiVersion: trunkline.dev/v1\nkind: Trunk\nmetadata: {name: x}\n",
        "apiVersion: trunkline.dev/v1alpha1\nkind: Trnk\nmetadata: {name: x}\n",
    ),
)
def test_no_manifest_is_an_error(tmp_path: Path, text: str) -> None:
    """YAML that is nothing to anybody is told, with its place."""
    (tmp_path / "x.yaml").write_text(text)
    (problem,) = load([tmp_path]).problems
    assert problem.severity == "error"
    assert problem.position.file == f"{tmp_path}/x.yaml"


def test_same_object_twice_names_both_places(tmp_path: Path) -> None:
    """The first counts, and the problem stands at the second."""
    (tmp_path / "a.yaml").write_text(trunk())
    (tmp_path / "b.yaml").write_text(trunk("lab") + "---\n" + trunk())
    (problem,) = load([tmp_path]).problems
    assert problem.reason == "Duplicate"
    assert str(problem.position) == f"{tmp_path}/b.yaml:6"
    assert f"{tmp_path}/a.yaml:1" in problem.message


def test_a_copy_does_not_take_over_from_what_is_in_force(tmp_path: Path) -> None:
    """`cp t.yaml t-copy.yaml` sorts first; the object that was there stays the one that counts."""
    (tmp_path / "t.yaml").write_text(trunk())
    before = load([tmp_path])
    (tmp_path / "t-copy.yaml").write_text(trunk().replace("spec: {}", "spec: {secure: true}"))
    now = load([tmp_path], previous=before)
    assert reasons(now) == [("Duplicate", "error")]
    assert now.positions[HQ].file.endswith("/t.yaml")


def test_one_file_by_two_arguments_is_one_file(tmp_path: Path) -> None:
    """A directory and a file in it, or a symlink to it, make no duplicate."""
    (tmp_path / "t.yaml").write_text(trunk())
    (tmp_path / "link.yaml").symlink_to("t.yaml")
    assert load([tmp_path, tmp_path / "t.yaml"]).problems == ()


def test_symlinked_directory_that_contains_itself(tmp_path: Path) -> None:
    """Followed once, not for ever."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "t.yaml").write_text(trunk())
    (tmp_path / "d" / "again").symlink_to("..", target_is_directory=True)
    assert names(load([tmp_path])) == ["hq"]


def test_unreadable_things_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dangling link, a pipe, a file that is too large, one that is no UTF-8: each with its mend."""
    monkeypatch.setattr(files, "LARGEST_FILE", 1000)
    (tmp_path / "dangling.yaml").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "large.yaml").write_text("#" * 1001)
    (tmp_path / "latin1.yaml").write_bytes(b"# fine\nname: M\xfcnchen\n")
    (tmp_path / "t.yaml").write_text(trunk())
    loaded = load([tmp_path])
    said = {Path(problem.position.file).name: problem.message for problem in loaded.problems}
    assert "symlink to nothing" in said["dangling.yaml"]
    assert "not a regular file" in said["pipe.yaml"]
    assert "1,001 bytes" in said["large.yaml"]
    assert "line 2" in said["latin1.yaml"]
    assert names(loaded) == ["hq"]


def test_path_that_names_nothing(tmp_path: Path) -> None:
    """The one fault that stops a command."""
    with pytest.raises(NoSuchPathError, match="no such file or directory"):
        load([tmp_path / "nothing"])


def test_open_account_is_assumed_unless_the_default_one_is_refused(tmp_path: Path) -> None:
    """An Account `default` with a fault must not open what it would have closed."""
    account = "apiVersion: trunkline.dev/v1alpha1\nkind: Account\nmetadata: {name: %s}\nspec: %s\n"
    (tmp_path / "a.yaml").write_text(account % ("acme", "{namespaces: [acme]}"))
    loaded = load([tmp_path])
    assert loaded.resources.platform.open_account
    assert len(loaded.resources.of(Account)) == 1
    (tmp_path / "a.yaml").write_text(account % ("default", "{nonsense: 1}"))
    assert not load([tmp_path]).resources.platform.open_account


def test_broken_file_keeps_what_was_good(tmp_path: Path) -> None:
    """Objects that are not readable now stay; those that are readable are taken anew; a mend heals."""
    path = tmp_path / "t.yaml"
    path.write_text(trunk() + "---\n" + trunk("lab"))
    first = load([tmp_path])
    path.write_text(trunk().replace("spec: {}", "spec: {secure: true}") + "---\nkind: [\n")
    broken = load([tmp_path], previous=first)
    assert names(broken) == ["hq", "lab"]
    assert [each.spec.secure for each in broken.resources.of(Trunk)] == [True, False]
    assert set(broken.kept) == {LAB}
    assert broken.refused == {}
    assert reasons(broken) == [("InvalidYAML", "error"), ("KeptLastGood", "warning")]
    again = load([tmp_path], previous=broken)
    assert names(again) == ["hq", "lab"]
    path.write_text(trunk())
    assert names(load([tmp_path], previous=again)) == ["hq"]


def test_empty_file_keeps_what_was_good(tmp_path: Path) -> None:
    """An editor that truncates before it writes shows one for a moment; an emptied comment file removes."""
    path = tmp_path / "t.yaml"
    path.write_text(trunk())
    first = load([tmp_path])
    path.write_text("")
    emptied = load([tmp_path], previous=first)
    assert names(emptied) == ["hq"]
    assert reasons(emptied) == [("EmptyFile", "error"), ("KeptLastGood", "warning")]
    assert names(load([tmp_path], previous=emptied)) == ["hq"]
    path.write_text("# nothing any more\n")
    assert names(load([tmp_path], previous=emptied)) == []


def test_file_that_was_always_empty_is_no_problem(tmp_path: Path) -> None:
    """Nothing is kept where nothing was."""
    (tmp_path / "t.yaml").write_text("")
    first = load([tmp_path])
    assert first.problems == ()
    assert load([tmp_path], previous=first).problems == ()


def test_refused_new_version_keeps_the_old_one(tmp_path: Path) -> None:
    """As an API server does; and the fault is told with its line."""
    path = tmp_path / "t.yaml"
    path.write_text(trunk())
    first = load([tmp_path])
    path.write_text(trunk().replace("spec: {}", "spec: {secre: true}"))
    refused = load([tmp_path], previous=first)
    assert names(refused) == ["hq"]
    assert refused.resources.invalid == ()
    assert "secre" in refused.refused[HQ]
    assert reasons(refused) == [("UnknownField", "error"), ("KeptLastGood", "warning")]


def test_deleted_file_removes_its_objects(tmp_path: Path) -> None:
    """A file that is gone is meant to be gone."""
    (tmp_path / "t.yaml").write_text(trunk())
    (tmp_path / "l.yaml").write_text(trunk("lab"))
    first = load([tmp_path])
    (tmp_path / "t.yaml").unlink()
    assert names(load([tmp_path], previous=first)) == ["lab"]


def test_object_that_moves_to_another_file_is_the_same(tmp_path: Path) -> None:
    """A renamed file changes nothing but places."""
    (tmp_path / "t.yaml").write_text(trunk())
    first = load([tmp_path])
    (tmp_path / "t.yaml").rename(tmp_path / "u.yaml")
    moved = load([tmp_path], previous=first)
    assert moved.same_content(first)
    assert moved.positions[HQ].file.endswith("u.yaml")


def test_path_argument_that_vanishes_keeps_its_objects(tmp_path: Path) -> None:
    """A checkout that replaces the whole directory is not the end of all trunks."""
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "t.yaml").write_text(trunk())
    first = load([tmp_path / "d"])
    (tmp_path / "d").rename(tmp_path / "away")
    vanished = load([tmp_path / "d"], previous=first)
    assert names(vanished) == ["hq"]
    assert reasons(vanished)[0] == ("NoSuchPath", "error")
    (tmp_path / "away").rename(tmp_path / "d")
    assert load([tmp_path / "d"], previous=vanished).problems == ()


def test_unchanged_files_are_not_decoded_again(tmp_path: Path) -> None:
    """The very same objects come back, so that later stages can skip them."""
    (tmp_path / "t.yaml").write_text(trunk())
    (tmp_path / "e.yaml").write_text(
        f"{OF_GROUP}kind: Edge\nmetadata: {{name: e}}\nspec: {{advertise: {{type: PodIP}}}}\n"
    )
    first = load([tmp_path])
    (tmp_path / "t.yaml").write_text(trunk() + "# edited\n")
    second = load([tmp_path], previous=first)
    assert second.resources.of(Edge)[0] is first.resources.of(Edge)[0]
    assert second.same_content(first)


PLANTED = "Planted-Pass-2026x"


def fail(*_: object, **__: object) -> Never:
    raise RuntimeError(PLANTED)


def test_a_document_that_nobody_foresaw_costs_itself_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The exception is told with file and line, without its text; what was good of the file goes on."""
    (tmp_path / "t.yaml").write_text(trunk() + "---\n" + number())
    before = load([tmp_path])
    (tmp_path / "t.yaml").write_text(
        trunk() + "---\n" + number(value='"+14155550111"') + "---\n" + trunk("lab")
    )
    fail_at(monkeypatch, Number, PLANTED)
    loaded = load([tmp_path], previous=before)
    assert names(loaded) == ["hq", "lab"]
    (kept,) = loaded.resources.of(Number)
    assert kept.first == "+14155550100"
    assert reasons(loaded) == [("InternalError", "error"), ("KeptLastGood", "warning")]
    assert loaded.problems[0].position.line == 6
    assert "RuntimeError at " in loaded.problems[0].message
    assert PLANTED not in repr(loaded)


def test_a_secret_that_nobody_foresaw_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: acme}\nstringData: {a: %s}\n"
    (tmp_path / "s.yaml").write_text(secret % "b")
    before = load([tmp_path])
    (tmp_path / "s.yaml").write_text(secret % PLANTED)
    monkeypatch.setattr("trunkline.api.secret_manifest.written", fail)
    loaded = load([tmp_path], previous=before)
    assert loaded.resources.secret("acme", "s") == {"a": Secret("b")}
    assert reasons(loaded) == [("InternalError", "error"), ("KeptLastGood", "warning")]
    assert PLANTED not in "".join(map(str, loaded.problems))


@pytest.mark.parametrize("function", ("_foreign_kind", "read_documents", "decode_text"))
def test_a_file_that_nobody_foresaw_keeps_what_was_good(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "t.yaml").write_text(trunk())
    before = load([tmp_path])
    (tmp_path / "t.yaml").write_text(trunk() + "\n")
    monkeypatch.setattr(load_module, function, fail)
    loaded = load([tmp_path], previous=before)
    assert names(loaded) == ["hq"]
    assert reasons(loaded) == [("InternalError", "error"), ("KeptLastGood", "warning")]
    assert PLANTED not in repr(loaded)


def test_one_password_that_is_not_base64_costs_its_user_alone(tmp_path: Path) -> None:
    """An API server refuses such a Secret: files tell it; its other values are used until one was good."""
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: acme}\ndata: {a: %s, b: Yg==}\n"
    (tmp_path / "s.yaml").write_text(secret % "plain!")
    first = load([tmp_path])
    assert first.resources.secret("acme", "s") == {"a": ValueFault.NOT_BASE64, "b": Secret("b")}
    assert [(each.field, each.position.line) for each in first.problems] == [("data.a", 4)]
    (tmp_path / "s.yaml").write_text(secret % "YQ==")
    good = load([tmp_path], previous=first)
    assert not good.same_content(first)
    (tmp_path / "s.yaml").write_text(secret % "plain!")
    kept = load([tmp_path], previous=good)
    assert kept.resources.secret("acme", "s") == {"a": Secret("a"), "b": Secret("b")}
