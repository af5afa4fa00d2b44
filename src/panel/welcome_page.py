"""What the panel shows while nothing is open: what to do, and buttons for it."""

from __future__ import annotations

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

_WORDS = """
<h3>Walk through the motion of a molecule</h3>
<p>Each particle of a cryo-EM data set is a point of this plot; each point of the plot is a state of the molecule.
Click one, and the map is shown there. Drag, and the map follows your hand.</p>
<p>Open a FlexRec project (the folder in which <b>flexrec train</b> has run), try the small example, or start with your
own particles by the first job.</p>
"""


class WelcomePage(QScrollArea):
    """Buttons for the demo, for a project, and for the jobs that make one."""

    demo, project, jobs = Signal(), Signal(), Signal()

    def __init__(self) -> None:
        super().__init__(widgetResizable=True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setMinimumSize(1, 1)
        self.message = QLabel(wordWrap=True)
        words = QLabel(_WORDS, wordWrap=True)
        words.setTextFormat(Qt.TextFormat.RichText)
        self.open_demo = QPushButton("Open the example")
        self.open_demo.setObjectName("open demo")
        self.open_project = QPushButton("Open a project …")
        self.open_project.setObjectName("open project")
        self.open_jobs = QPushButton("Jobs …")
        self.open_jobs.setObjectName("open jobs")
        self.open_demo.clicked.connect(self.demo)
        self.open_jobs.clicked.connect(self.jobs)
        self.open_project.clicked.connect(self.project)
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(12, 6, 12, 6)
        column.addStretch(1)
        for widget in (words, self.message, self.open_demo, self.open_project, self.open_jobs):
            column.addWidget(widget)
        column.addStretch(2)
        self.message.hide()
        self.setWidget(page)

    def say(self, sentence: str) -> None:
        """Why there is nothing to see."""
        self.message.setText(sentence)
        self.message.setVisible(bool(sentence))
