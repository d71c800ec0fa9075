"""Zip archives are folders; those that can't be trusted are refused with one message."""

from __future__ import annotations

import stat
import zipfile

import numpy as np
import pytest

from lutetia.dicom import archive as archives
from lutetia.dicom.dicomdir import names_beside
from lutetia.dicom.instance import WITHIN
from lutetia.dicom.pixels import load_ct, load_pet
from lutetia.dicom.scan import scan
from lutetia.dicom.select import select


def pack(folder, target, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(target, "w", compression) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder.parent))
    return target


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_an_archive_reads_like_its_folder(pet_ct, tmp_path, compression):
    archive = pack(pet_ct, tmp_path / "export.zip", compression)
    (packed,), (plain,) = select(scan(archive)), select(scan(pet_ct))
    assert packed.pet.n_images == 6
    assert np.array_equal(load_pet(packed.pet).volume.array, load_pet(plain.pet).volume.array)
    assert np.array_equal(load_ct(packed.ct).array, load_ct(plain.ct).array)
    assert str(packed.pet.dataset().PatientID) == "P1"


def test_an_archive_is_known_by_its_bytes_not_its_name(pet_ct, tmp_path):
    archive = pack(pet_ct, tmp_path / "export.bin")
    assert len(scan(archive).series) == 2


def test_archive_and_folder_together(pet_ct, tmp_path):
    pack(pet_ct, tmp_path / "all.zip").rename(pet_ct / "all.zip")
    inventory = scan(pet_ct)
    assert [s.n_images for s in inventory.series] == [6, 6]
    assert {i.code for i in inventory.issues} == {"duplicate-files"}


def refusal(path):
    errors = [i for i in scan(path).issues if i.code != "no-dicom"]
    assert len(errors) == 1
    assert errors[0].level == "error"
    assert errors[0].where == str(path)
    return errors[0].code


@pytest.mark.parametrize("name", ["../evil.dcm", "a/../../evil.dcm", "/etc/evil.dcm", "C:/evil.dcm", "..\\evil.dcm"])
def test_a_path_traversing_archive_is_refused_and_writes_nothing(pet_ct, tmp_path, name):
    archive = pack(pet_ct, tmp_path / "export.zip")
    with zipfile.ZipFile(archive, "a") as z:
        z.writestr(name, (pet_ct / "PT" / "000").read_bytes())
    before = sorted(p for p in tmp_path.rglob("*"))
    assert refusal(archive) == "archive-unsafe-path"
    assert sorted(p for p in tmp_path.rglob("*")) == before


def test_a_link_in_an_archive_is_refused(tmp_path):
    info = zipfile.ZipInfo("link")
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "l.zip", "w") as z:
        z.writestr(info, "/etc/passwd")
    assert refusal(tmp_path / "l.zip") == "archive-unsafe-path"


def test_an_encrypted_archive_is_refused(pet_ct, tmp_path):
    archive = pack(pet_ct, tmp_path / "export.zip", zipfile.ZIP_STORED)
    data = bytearray(archive.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(signature)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(signature, at + 4)
    archive.write_bytes(data)
    assert refusal(archive) == "archive-encrypted"


def test_an_archive_of_100_000_entries_is_refused_at_once(tmp_path):
    entry = zipfile.ZipFile(tmp_path / "many.zip", "w")
    with entry as z:
        z.writestr("a", b"")
        info = z.filelist[0]
        z.filelist.extend([info] * 99_999)
    assert refusal(tmp_path / "many.zip") == "archive-too-large"


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    block = bytes(1 << 20)
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as z, z.open("zeros.dcm", "w") as f:
        for _ in range(64):
            f.write(block)
    data = bytearray((tmp_path / "bomb.zip").read_bytes())
    at = data.find(b"PK\x01\x02")
    data[at + 24 : at + 28] = (3 << 30).to_bytes(4, "little")  # the directory claims 3 GiB
    (tmp_path / "bomb.zip").write_bytes(data)
    assert refusal(tmp_path / "bomb.zip") == "archive-too-large"


def test_a_cut_archive_is_refused_and_its_neighbours_are_read(pet_ct, tmp_path):
    archive = pack(pet_ct, tmp_path / "export.zip").rename(pet_ct / "export.zip")
    archive.write_bytes(archive.read_bytes()[:-200])
    inventory = scan(pet_ct)
    assert [s.n_images for s in inventory.series] == [6, 6]
    assert [i.code for i in inventory.issues] == ["archive-damaged"]


def test_a_damaged_entry_is_named_and_the_rest_is_read(pet_ct, tmp_path):
    archive = pack(pet_ct, tmp_path / "export.zip")
    data = bytearray(archive.read_bytes())
    at = data.find(b"study/PT/005") + 40
    data[at : at + 20] = b"\xff" * 20
    archive.write_bytes(data)
    inventory = scan(archive)
    assert [s.n_images for s in inventory.series] == [5, 6] or not inventory.issues
    assert any("005" in i.where for i in inventory.issues)


def outer(target, **inner):
    with zipfile.ZipFile(target, "w") as z:
        for name, content in inner.items():
            z.writestr(name.replace("_zip", ".zip"), content if isinstance(content, bytes) else content.read_bytes())
    return target


def test_an_archive_of_archives_as_portals_send_them_reads_like_the_folder(pet_ct, tmp_path):
    parts = {f"{kind}_zip": pack(pet_ct / kind, tmp_path / f"{kind}.zip") for kind in ("PT", "CT")}
    inventory = scan(outer(tmp_path / "download.zip", **parts))
    (packed,), (plain,) = select(inventory), select(scan(pet_ct))
    assert inventory.n_files == 12
    assert np.array_equal(load_pet(packed.pet).volume.array, load_pet(plain.pet).volume.array)
    assert np.array_equal(load_ct(packed.ct).array, load_ct(plain.ct).array)
    assert str(packed.pet.dataset().PatientID) == "P1"
    assert packed.pet.first.where.startswith(f"{tmp_path / 'download.zip'}!PT.zip!PT/")


def test_two_levels_inside_an_archive_is_named_and_not_opened(pet_ct, tmp_path):
    inner = outer(tmp_path / "inner.zip", deepest_zip=pack(pet_ct / "PT", tmp_path / "deepest.zip"))
    inventory = scan(outer(tmp_path / "outer.zip", inner_zip=inner))
    assert not inventory.series
    (issue,) = [i for i in inventory.issues if i.code == "not-dicom"]
    assert issue.message == "An archive two levels inside an archive is not read; unpack it"
    assert issue.where == f"{tmp_path / 'outer.zip'}!inner.zip!deepest.zip"


def test_an_archive_that_holds_itself_ends(pet_ct, tmp_path):
    plain = outer(tmp_path / "a.zip", a_zip=pack(pet_ct / "PT", tmp_path / "p.zip"))
    inventory = scan(outer(tmp_path / "b.zip", a_zip=plain, c_zip=plain))
    assert {i.code for i in inventory.issues} == {"not-dicom", "no-dicom"}


@pytest.mark.parametrize("name", ["../evil.dcm", "/etc/evil.dcm", "..\\evil.dcm"])
def test_an_inner_archive_that_points_outside_is_refused_and_its_neighbours_are_read(pet_ct, tmp_path, name):
    evil = pack(pet_ct / "CT", tmp_path / "evil.zip")
    with zipfile.ZipFile(evil, "a") as z:
        z.writestr(name, b"x")
    inventory = scan(outer(tmp_path / "o.zip", evil_zip=evil, PT_zip=pack(pet_ct / "PT", tmp_path / "PT.zip")))
    assert [s.modality for s in inventory.series] == ["PT"]
    (issue,) = inventory.issues
    assert (issue.code, issue.where) == ("archive-unsafe-path", f"{tmp_path / 'o.zip'}!evil.zip")


def test_archives_inside_an_archive_share_its_limits(pet_ct, tmp_path, monkeypatch):
    pet, ct = (pack(pet_ct / kind, tmp_path / f"{kind}.zip") for kind in ("PT", "CT"))
    both = outer(tmp_path / "o.zip", CT_zip=ct, PT_zip=pet)
    monkeypatch.setattr(archives.Budget, "__init__", lambda self: self.__dict__.update(entries=10, bytes=1 << 30))
    inventory = scan(both)  # 2 archives and 6 + 6 files
    assert [s.modality for s in inventory.series] == ["CT"]
    assert [i.code for i in inventory.issues] == ["archive-too-large"]


def test_an_inner_archive_too_large_for_memory_is_refused(pet_ct, tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MAX_INNER_BYTES", 100)
    whole = outer(tmp_path / "o.zip", PT_zip=pack(pet_ct / "PT", tmp_path / "PT.zip"))
    assert {i.code for i in scan(whole).issues} == {"archive-too-large", "no-dicom"}


@pytest.mark.parametrize("content", [b"PK\x03\x04", b"PK\x03\x04" + bytes(500)])
def test_a_damaged_inner_archive_is_named_and_its_neighbours_are_read(pet_ct, tmp_path, content):
    whole = outer(tmp_path / "o.zip", bad_zip=content, PT_zip=pack(pet_ct / "PT", tmp_path / "PT.zip"))
    inventory = scan(whole)
    assert [s.modality for s in inventory.series] == ["PT"]
    assert [(i.code, i.where) for i in inventory.issues] == [("archive-damaged", f"{whole}!bad.zip")]


def test_a_dicomdir_in_an_inner_archive_knows_its_neighbours(pet_ct, tmp_path):
    name = f"disc.zip{WITHIN}study/DICOMDIR"
    disc = pack(pet_ct, tmp_path / "disc.zip")
    beside = names_beside(str(outer(tmp_path / "o.zip", disc_zip=disc)), name)
    assert "pt/000" in beside


def test_an_empty_archive_has_no_dicom(tmp_path):
    zipfile.ZipFile(tmp_path / "none.zip", "w").close()
    assert [i.code for i in scan(tmp_path / "none.zip").issues] == ["no-dicom"]


def test_an_archive_with_the_name_of_a_slice_is_still_an_archive(pet_ct, tmp_path):
    archive = pack(pet_ct, tmp_path / "export.dcm")
    inventory = scan(archive)
    assert len(inventory.series) == 2
    assert inventory.n_files == 12
