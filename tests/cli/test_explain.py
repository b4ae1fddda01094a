# SPDX-License-Identifier: Apache-2.0
"""explain: plan, cost, bytes and time of each equation, as text and as JSON."""
import json
import re

from console import ROOT, Case, main

MODEL = """axis b = 16
axis d = 32
axis h = 64
X[b,d] = (b + d) * 0.001
W[h,d] = h * 0.01 - d * 0.001
H[b,h] = relu(W[h,d] X[b,d])
P[b,h.] = softmax(H[b,h])
axis t = 500
S[t] = 0.5 S[t-1] + 1
Y = S[t]
Unused[b] = P[b,h] P[b,h]
export P, Y
"""
SETTLES = "B[i] = [1, 0]\nX[i] = B[i]\nX[i] = 0.5 X[i]\nexport X\n"


class Explain(Case):
    def explain(self, text, *words):
        self.write("p.fuse", text)
        done = self.fuse("explain", "p.fuse", "--json", "--threads=1", *words)
        self.expect(done, 0, '"schema": "fuse.explain"')
        return json.loads(done.stdout)

    def test_every_equation_has_its_figures(self):
        e = self.explain(MODEL, "--repeat=3")
        by_head = {q["head"]: q for q in e["equations"]}
        self.assertEqual(list(by_head), ["X", "W", "H", "P", "S", "Y", "Unused"])
        for head, q in by_head.items():
            used = head != "Unused"
            for key in ("bytes", "seconds", "steps"):
                self.assertEqual(q[key] > 0, used, (head, key))
            self.assertEqual(q["file"], "p.fuse")
        self.assertEqual([q["line"] for q in e["equations"]], [4, 5, 6, 7, 9, 10, 11])
        self.assertGreaterEqual(by_head["H"]["flops"], 2 * 16 * 32 * 64)
        self.assertEqual(by_head["S"]["flops"], 2 * 500)
        self.assertEqual(e["runs"], 3)

    def test_what_belongs_to_an_equation_adds_up(self):
        for text, words in ((MODEL, ()), (SETTLES, ("--mode=auto",))):
            e = self.explain(text, "--repeat=2", *words)
            for key in ("flops", "bytes", "seconds"):
                for part in ("equations", "steps"):
                    self.assertAlmostEqual(sum(x[key] for x in e[part]) / e["total"][key], 1, 6, (part, key))

    def test_a_loop_belongs_to_its_equation(self):
        e = self.explain(MODEL, "--repeat=1")
        loops = [s for s in e["steps"] if s["kind"] == "loop"]
        self.assertEqual([(s["equations"], s["rounds"]) for s in loops], [([4], 500)])
        scan = e["equations"][4]
        self.assertLess(scan["bytes"], 500 * 100, "a round moves an element, and not the whole table")

    def test_rounds_of_a_fixpoint(self):
        before = self.explain(SETTLES, "--mode=auto", "--repeat=0")
        after = self.explain(SETTLES, "--mode=auto", "--repeat=2")
        rounds = [s["rounds"] for e in (before, after) for s in e["steps"] if s["kind"] == "loop"]
        self.assertEqual(rounds[0], 1000)
        self.assertTrue(10 < rounds[1] < 40, rounds)
        self.assertAlmostEqual(before["total"]["flops"] / after["total"]["flops"], rounds[0] / rounds[1], 1)
        self.assertEqual((before["runs"], before["total"]["seconds"]), (0, 0))

    def test_the_text_has_it_all(self):
        self.write("p.fuse", MODEL)
        text = self.fuse("explain", "p.fuse", "--repeat=2").stdout
        for line in ("S[t] = 0.5 S[t-1] + 1", "P[b, h.] = softmax(H[b, h])", "500 rounds", "[16, 64]", "contract", "us a run",
                     "flops", "bytes", "total:", "2 runs of", "live at once"):
            self.assertIn(line, text)
        self.assertNotIn("us a run", self.fuse("explain", "p.fuse", "--repeat=0").stdout)
        self.assertIn("us a run", self.fuse("run", "p.fuse", "--explain").stdout)
        self.assertEqual(json.loads(self.fuse("run", "p.fuse", "--quiet", "--explain=json").stdout)["runs"], 1)

    def test_the_page_names_every_key(self):
        page = (ROOT / "docs/cli.md").read_text(encoding="utf-8")
        section = re.search(r"^## explain as JSON\n(.*)", page, re.M | re.S)[1]
        named = set(re.findall(r"`(\w+)`", section))
        e = self.explain(MODEL)
        keys = set(e) | set(e["total"]) | {k for part in ("equations", "steps") for x in e[part] for k in x}
        self.assertEqual(keys - named, set())

    def test_no_sink_is_written(self):
        self.explain(MODEL + '"p.npy" = P[b,h]\n')
        self.assertEqual(self.names(), ["p.fuse"])


if __name__ == "__main__":
    main()
