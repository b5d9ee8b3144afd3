"""Bugs of stock imports and of the scoring of customers (Python)."""

from errors_app.domain.demo.bug import Bug
from errors_app.domain.demo.environments import DEPLOYED, EVERYWHERE, DemoEnvironment
from errors_app.domain.demo.library_frames import CELERY, PANDAS, SQLALCHEMY
from errors_app.domain.demo.patterns import Burst, Steady
from errors_app.domain.demo.stacks import Raised

_IMPORT = (*CELERY, "stock/tasks.py:39 import_stock_levels | levels = read_levels(file, supplier)")
_STORE = (
    *CELERY,
    "stock/tasks.py:45 import_stock_levels | changed = store_levels(session, levels)",
)
_SCORE = (*CELERY, "insight/tasks.py:57 score_churn_risk | scores = model.score(features)")

_IMPORT_BUGS = (
    Bug(
        task="import-stock-levels",
        type="UnicodeDecodeError",
        message="'utf-8' codec can't decode byte 0xe4 in position ${number}: invalid continuation "
        "byte",
        frames=(
            *_IMPORT,
            "stock/files.py:31 read_levels | frame = read_csv(file, sep=';', dtype=str)",
            *PANDAS,
        ),
        when=(Steady(0.55),),
        seconds=3,
        environments=EVERYWHERE,
    ),
    Bug(
        task="import-stock-levels",
        type="IntegrityError",
        module="sqlalchemy.exc",
        message="(psycopg.errors.UniqueViolation) duplicate key value violates unique constraint "
        '"stock_level_sku_warehouse_key"\nDETAIL:  Key (sku, warehouse)=(${sku}, north) already '
        "exists.",
        frames=(
            *_STORE,
            "stock/levels.py:64 store_levels | session.execute(insert(StockLevel), rows)",
            *SQLALCHEMY,
        ),
        when=(Steady(0.2, since=60, growth=7),),
        environments=DEPLOYED,
    ),
    Bug(
        task="import-stock-levels",
        type="KeyError",
        message="'Lagerbestand'",
        frames=(
            *_IMPORT,
            "stock/files.py:37 read_levels | return [level_of(row) for row in records]",
            'stock/files.py:52 level_of | quantity = row["Lagerbestand"]',
            "stock/rows.py:18 __getitem__ | return self._cells[self._index[column]]",
        ),
        when=(Steady(3.4, since=3.7),),
        seconds=2,
    ),
    Bug(
        task="import-stock-levels",
        type="ParserError",
        module="pandas.errors",
        message="Error tokenizing data. C error: Expected 12 fields in line ${number}, saw 13",
        frames=(
            *_IMPORT,
            "stock/files.py:31 read_levels | frame = read_csv(file, sep=';', dtype=str)",
            *PANDAS,
        ),
        when=(Steady(0.16),),
    ),
    Bug(
        task="import-stock-levels",
        type="PendingRollbackError",
        module="sqlalchemy.exc",
        message="Can't reconnect until invalid transaction is rolled back. (Background on this "
        "error at: https://docs.example.com/e/20/8s2b)",
        frames=(*_STORE, "stock/levels.py:71 store_levels | session.flush()", *SQLALCHEMY),
        cause=Raised(
            "psycopg.OperationalError",
            "consuming input failed: server closed the connection unexpectedly",
            SQLALCHEMY[-3:],
        ),
        when=(Burst(16, 10.4, 50, 5), Burst(62, 3.2, 60, 4)),
    ),
    Bug(
        task="import-stock-levels",
        type="ModuleNotFoundError",
        message="No module named 'pandas'",
        frames=(
            *CELERY,
            "stock/tasks.py:36 import_stock_levels | from trellis.stock.files import read_levels",
            "stock/files.py:5 <module> | from trellis.stock.frames import frame_of",
            "stock/frames.py:3 <module> | import pandas",
        ),
        when=(Burst(27, 8, 200, 60),),
        environments=(DemoEnvironment.DEV,),
        seconds=0.1,
    ),
)

_SCORING_BUGS = (
    Bug(
        task="score-churn-risk",
        type="ValueError",
        message="Input X contains NaN.\nLogisticRegression does not accept missing values encoded "
        "as NaN natively.",
        frames=(
            *_SCORE,
            "insight/models.py:48 score | return self.classifier.predict_proba(features)[:, 1]",
            "~/sklearn/linear_model/_logistic.py:1472 predict_proba | return super()"
            "._predict_proba_lr(X)",
            "~/sklearn/utils/validation.py:1107 check_array | _assert_all_finite(",
            "~/sklearn/utils/validation.py:169 _assert_all_finite_element_wise | raise ValueError("
            "msg_err)",
        ),
        when=(Steady(1.1, since=45),),
        fixed=14,
        environments=DEPLOYED,
    ),
    Bug(
        task="score-churn-risk",
        type="FileNotFoundError",
        message="[Errno 2] No such file or directory: '/models/churn/${date}/model.joblib'",
        frames=(
            *CELERY,
            "insight/tasks.py:51 score_churn_risk | model = load_model(name)",
            "insight/models.py:22 load_model | classifier = joblib.load(path)",
            "~/joblib/numpy_pickle.py:650 load | with open(filename, 'rb') as f:",
        ),
        when=(Burst(31, 1.5, 200, 5), Burst(2, 1.2, 150, 3)),
        seconds=1,
        environments=DEPLOYED,
    ),
    Bug(
        task="score-churn-risk",
        type="OutOfMemory",
        message="The worker was killed at its memory limit of 8192 MiB (pid ${number})",
        module="trellis.runtime",
        frames=("runtime/memory.py:48 on_memory_limit | raise OutOfMemory(limit, process.pid)",),
        when=(Steady(0.13),),
        status="CRASHED",
        seconds=140,
    ),
)

BUGS = (*_IMPORT_BUGS, *_SCORING_BUGS)
