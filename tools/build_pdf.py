import sys,time
from pathlib import Path
from sphinx.application import Sphinx
from sphinx.util.docutils import docutils_namespace, patch_docutils
ROOT = Path(__file__).resolve().parents[1]
t=time.time()
with patch_docutils(ROOT), docutils_namespace():
    app=Sphinx(ROOT/"source",ROOT,ROOT/"build/pdf",ROOT/"build/doctrees","pdf",confoverrides={"nitpicky":True,"pdf_document":sys.argv[1],"pdf_paper":sys.argv[2] if len(sys.argv)>2 else "a4"},warningiserror=True, status=None)
    print(time.time()-t)
    app.build()
    print(app.builder.steps, time.time()-t, app.statuscode)
