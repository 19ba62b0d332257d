"""catalogue.py - every known failure, and every requirement, has a test

catalogue.txt names failures, ../rfc/requirements.txt what RFCs ask for (tied.py
says how a row is written).  A row has a test or says why none; a test that
bears an id has its row; an RFC that a source cites has rows, where it cites a
section, of that section.
"""
import requirements
import tied
import tree

FAILURES = "test/structure/catalogue.txt"


def failures(root, tests):
    """Faults of the catalogue, and how many rows it has."""
    faults, ids, borne = [], set(), {}
    for test, case in tests.items():
        borne.update((one, test) for one in tied.failures(case))
    for row in tied.rows(tree.read(root, FAILURES), faults):
        name = row.name.split()[0]
        ids.add(name)
        if not row.by and name not in borne:
            faults.append(f"no test bears {name}")
        faults += [f"{name} is by {one}, which is no test"
                   for one in row.by if one not in tests]
    faults += [f"{test} bears {name}, which has no row"
               for name, test in sorted(borne.items()) if name not in ids]
    return faults, len(ids)


def check(root):
    tests = tied.tests(root)
    faults, n = failures(root, tests)
    yield from (f"{FAILURES}: {fault}" for fault in faults)
    faults, m = requirements.faults(root, tests)
    yield from faults
    return f"{n} failures, {m} requirements" if n and m else None


tree.run(check)
