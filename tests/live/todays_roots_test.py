"""Every root certificate of Debian's ca-certificates through the strict reader."""
import pathlib
import unittest

from support.certificates import openssl
from support.program import ProgramTest

FOLDER = pathlib.Path("/usr/share/ca-certificates/mozilla")
UNREADABLE = {"encoding-certificate-undecodable", "extension-undecodable"}


class TodaysRootsTest(ProgramTest):
    def unreadable(self, files):
        """For each file: the rules that say the program could not read it, and whether openssl
        can. Many files in one run: they are read as one chain."""
        verdicts = self.verdicts("check", *files, "--device", "strict", "--at", "2020-01-01")
        rules = [set() for _ in files]
        for reason in verdicts["strict"]["reasons"]:
            if reason["rule"] in UNREADABLE:
                rules[reason["certificate"]].add(reason["rule"])
        readable = [openssl("x509", "-noout", "-in", file, check=False).returncode == 0
                    for file in files]
        return list(zip(files, rules, readable))

    def test_all_can_be_read(self):
        files = sorted(FOLDER.glob("*.crt"))
        self.assertGreater(len(files), 0, f"{FOLDER} is empty: apt-get install ca-certificates")
        seen = 0
        for first in range(0, len(files), 10):
            for file, rules, readable in self.unreadable(files[first:first + 10]):
                seen += 1
                with self.subTest(file.name):
                    if readable:
                        self.assertEqual(set(), rules)
        self.assertEqual(len(files), seen)

    def test_damage_is_noticed(self):
        """The same question with an answer that must be yes, in the middle of a run."""
        good = sorted(FOLDER.glob("*.crt"))[:2]
        der = openssl("x509", "-outform", "DER", "-in", good[0]).stdout
        damaged = self.folder / "damaged.cer"
        damaged.write_bytes(der[:-40])
        answers = self.unreadable([good[0], damaged, good[1]])
        self.assertEqual([set(), {"encoding-certificate-undecodable"}, set()],
                         [rules for _, rules, _ in answers])
        self.assertEqual([True, False, True], [readable for _, _, readable in answers])


if __name__ == "__main__":
    unittest.main()
