from tests.grouping.corpus_v2 import pin

pin()
