"""The mistakes that test the rehearsals' tests can still be made in this checkout: `make mutants` runs rarely."""

import pytest

from tests.mutants.mutants import MUTANTS, Mutant
from tests.stacks import ROOT


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_edited_text_is_in_its_file_once(mutant: Mutant) -> None:
    texts = {edit: (ROOT / edit.file).read_text() for edit in mutant.edits}
    assert [text.count(edit.before) for edit, text in texts.items()] == [1] * len(texts)
    assert (ROOT / mutant.tests[0]).is_file()
