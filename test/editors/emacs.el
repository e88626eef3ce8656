;;; emacs.el --- Drives Spanfill's language server from a real Emacs, through eglot  -*- lexical-binding: t; -*-
;; Hover, code actions, commands, settings, cancelling, restarts. Started by scripts/editor/ways/in-emacs.mjs, which says in the
;; environment what to start and where to write what was seen.

(require 'package)
(package-initialize)
(require 'eglot)
(require 'markdown-mode)

(defvar spanfill-checks nil "What was checked, the last first.")
(defvar spanfill-said nil "What Emacs showed as messages.")

(defun spanfill-env (name)
  "The JSON in the environment variable NAME."
  (json-parse-string (getenv name) :object-type 'plist :false-object :json-false))

(defun check (name passed seen)
  "Note that the check NAME PASSED or not, and what was SEEN."
  (push (list :name name :passed (if passed t :json-false) :seen (format "%S" seen)) spanfill-checks))

(defmacro wait-for (condition)
  "Let the server's messages in until CONDITION holds or a minute has passed; its value."
  `(let ((until (+ (float-time) 60)) result)
     (while (and (not (setq result ,condition)) (< (float-time) until))
       (accept-process-output nil 0.02))
     result))

(defun text ()
  "The buffer's text."
  (buffer-substring-no-properties (point-min) (point-max)))

(defun act (title beg &optional end)
  "Choose the code action TITLE for what is between BEG and END, or for a cursor at BEG; the titles that were offered."
  (goto-char beg)
  (let (offered (last-nonmenu-event ?x))
    (cl-letf (((symbol-function 'completing-read)
               (lambda (_prompt choices &rest _)
                 (setq offered (mapcar #'car choices))
                 title)))
      (eglot-code-actions beg (or end beg) nil t))
    offered))

(defun execute (name &rest argument)
  "What the server's command NAME answers to an ARGUMENT about the buffer."
  (eglot--signal-textDocument/didChange)
  (eglot-execute-command (eglot-current-server) name
                         (vector `(:uri ,(plist-get (eglot--TextDocumentIdentifier) :uri) ,@argument))))

(defun configure (&rest settings)
  "Tell the server SETTINGS beside those of the environment."
  (let* ((configuration (spanfill-env "SPANFILL_SETTINGS")) (section (plist-get configuration :spanfill)))
    (setq-default eglot-workspace-configuration (list :spanfill (append settings section)))
    (eglot-signal-didChangeConfiguration (eglot-current-server))))

(defun spanfill-undo ()
  "Take the last change back."
  (setq last-command nil)
  (undo-start)
  (undo-more 1)
  (undo-boundary))

(defun spanfill-run ()
  "Every check."
  (advice-add 'message :before (lambda (&rest arguments)
                                 (when (car arguments) (push (apply #'format-message arguments) spanfill-said))))
  (load (getenv "SPANFILL_CONFIGURATION") nil t)
  (setq-default eglot-workspace-configuration (spanfill-env "SPANFILL_SETTINGS"))
  (setq eglot-sync-connect t eglot-autoshutdown t)

  (find-file (getenv "SPANFILL_FILE"))
  (markdown-mode)
  (buffer-enable-undo)
  (call-interactively #'eglot)
  (let ((original (text)) (process (jsonrpc--process (eglot-current-server))) hover)
    (check "the server starts" (eglot-managed-p) (eglot-current-server))

    (goto-char (+ (point-min) 3))
    (eglot-hover-eldoc-function (lambda (text &rest _) (setq hover (format "%s" text))))
    (wait-for hover)
    (check "hover on a heading shows its section's summary" (and hover (string-match-p "Spanfill" hover)) hover)

    (setq hover nil)
    (goto-char (point-min))
    (search-forward "morn")
    (eglot-hover-eldoc-function (lambda (text &rest _) (setq hover (format "%s" text))))
    (wait-for hover)
    (check "hover on a word shows what else could stand there, and how likely" (and hover (string-match-p "[0-9]%" hover)) hover)

    ;; Code actions on lines with an emoji and a combining character.
    (let* ((beg (progn (goto-char (point-min)) (forward-line 2) (point)))
           (end (progn (forward-line 2) (1- (point))))
           (offered (act "Fill gaps (3)" beg end)))
      (check "the menu offers filling and summarizing"
             (equal offered '("Fill gaps (3)" "Summarize selection")) offered)
      (check "the code action fills the gaps" (not (string-match-p "___" (text))) (text))
      (check "lines without gaps, and what is around gaps, are as they were"
             (string-match-p (concat "\\`# A heading 🙂\n\nThe cafe\u0301 is open .* the morning and .* at night\\.\n"
                                     "More 🙂 a number .* people come\\.\n\nThe text ends here\\.\n\\'")
                             (text))
             (text))
      (spanfill-undo)
      (check "one undo takes all of it back" (equal (text) original) (text)))

    (let* ((beg (progn (goto-char (point-min)) (search-forward "the morning") (match-beginning 0)))
           (offered (act "Rephrase selection" beg (point))))
      (check "the menu offers rephrasing" (member "Rephrase selection" offered) offered)
      (check "rephrasing replaces the words and nothing else"
             (and (not (equal (text) original))
                  (string-prefix-p (substring original 0 (1- beg)) (text))
                  (string-suffix-p " and ___ at night.\nMore 🙂 a number ___ people come.\n\nThe text ends here.\n" (text)))
             (text))
      (spanfill-undo))

    (setq spanfill-said nil)
    (act "Summarize selection" (point-min) (point-max))
    (check "a summary of the selection is shown" (wait-for (cl-some (lambda (line) (string-match-p "type=3" line)) spanfill-said))
           spanfill-said)

    ;; At the cursor: what other editors have inline completion and palette commands for.
    (goto-char (point-max))
    (backward-char)
    (let ((offered (act "Continue here" (point))))
      (check "the menu offers to continue, and front matter"
             (equal offered '("Continue here" "Write title" "Write description")) offered)
      (check "continuing puts text at the cursor"
             (and (string-prefix-p (substring original 0 -1) (text)) (> (buffer-size) (length original)))
             (text))
      (spanfill-undo))
    (goto-char (1- (point-max)))
    (call-interactively (key-binding (kbd "C-c i")))
    (check "and so does the documented key" (> (buffer-size) (length original)) (text))
    (spanfill-undo)
    (act "Write title" (point-min))
    (check "the title is written into the heading"
           (and (string-match-p "\\`# " (text)) (not (string-prefix-p "# A heading" (text)))
                (string-suffix-p (substring original 13) (text)))
           (text))
    (spanfill-undo)
    (act "Write description" (point-min))
    (check "the description is written as front matter"
           (and (string-match-p "\\`---\ndescription: .+\n---\n" (text)) (string-suffix-p original (text))) (text))
    (spanfill-undo)

    ;; Commands, settings.
    (let ((answer (execute 'spanfill.summarizeRange :style "bullets")))
      (check "the command summarizes" (string-prefix-p "- " (plist-get answer :summary)) answer))
    (check "text that is in no buffer is continued"
           (vectorp (plist-get (execute 'spanfill.continueText :text "The cache is" :offset 12 :explicit t) :items)) nil)
    (let ((why (condition-case failure (spanfill-ask "When is it open?") (error failure))))
      (check "a question without a model for it is answered with what to do" (string-match-p "spanfill.models.ask" (format "%S" why)) why))
    (let ((id (plist-get (execute 'spanfill.status) :model)))
      (configure :models.ask id :models.classify id))
    (setq spanfill-said nil)
    (let ((answer (spanfill-ask "When is it open?")))
      (check "a question is answered from the text, with where the answer stands"
             (and (vectorp (plist-get answer :answers)) (eql 1 (plist-get answer :coverage))) answer)
      (check "and the answer is shown" (wait-for spanfill-said) spanfill-said))
    (let ((labels (plist-get (execute 'spanfill.classifyRange :version eglot--versioned-identifier :labels ["weather" "food"]) :labels)))
      (check "a text is classified" (equal '("food" "weather") (sort (mapcar (lambda (one) (plist-get one :label)) labels) #'string<)) labels))
    (configure)
    (save-window-excursion
      (spanfill-summarize-folder (getenv "SPANFILL_FOLDER"))
      (check "a folder's digest links its files" (string-match-p "(ferry\\.md)" (text)) (text)))
    (let ((why (condition-case failure (execute 'spanfill.fillGaps :version -5) (error failure))))
      (check "an edit for another version is refused" (string-match-p "-32801" (format "%S" why)) why))
    (configure :gapMarker "🙂")
    (let ((offered (act "Continue here" (+ (point-min) 3))))
      (check "a changed setting counts at once" (member "Fill gap" offered) offered))
    (spanfill-undo)
    (configure)

    ;; A request that is cancelled.
    (let* ((server (eglot-current-server)) failure
           (long (apply #'concat (make-list 3000 "The build is slow because the cache is cold. "))))
      (jsonrpc-async-request server :workspace/executeCommand
                             `(:command "spanfill.summarizeText" :arguments [(:text ,long)])
                             :success-fn (lambda (_) (setq failure 'none))
                             :error-fn (lambda (error) (setq failure error)))
      (jsonrpc-notify server :$/cancelRequest
                      (list :id (apply #'max (hash-table-keys (jsonrpc--request-continuations server)))))
      (wait-for failure)
      (check "a cancelled request ends as cancelled" (and (consp failure) (eql (plist-get failure :code) -32800)) failure))

    ;; The server is killed; eglot starts the next.
    (setf (eglot--inhibit-autoreconnect (eglot-current-server)) nil)
    (signal-process process 'KILL)
    (wait-for (and (not (process-live-p process)) (eglot-current-server)
                   (process-live-p (jsonrpc--process (eglot-current-server)))))
    (let ((answer (execute 'spanfill.status)))
      (check "a killed server is started again" (stringp (plist-get answer :state)) answer))

    ;; CRLF.
    (find-file (getenv "SPANFILL_CRLF"))
    (markdown-mode)
    (unless (eglot-managed-p) (call-interactively #'eglot))
    (act "Fill gaps (2)" (point-min) (point-max))
    (let ((coding-system-for-write nil)) (save-buffer))
    (let ((bytes (with-temp-buffer
                   (set-buffer-multibyte nil)
                   (insert-file-contents-literally (getenv "SPANFILL_CRLF"))
                   (buffer-string))))
      (check "a file with CRLF keeps it on every line"
             (and (not (string-match-p "___" bytes)) (not (string-match-p "[^\r]\n" bytes))
                  (= 4 (cl-count ?\n bytes)))
             bytes))

    (let ((last (jsonrpc--process (eglot-current-server)))
          (engine (plist-get (execute 'spanfill.status) :pid)))
      (eglot-shutdown (eglot-current-server))
      (check "the server and its engine end" (and engine (wait-for (not (or (process-live-p last) (process-attributes engine)))))
             engine))))

(condition-case failure
    (spanfill-run)
  (error (check "the script ran to its end" nil failure)))
(with-temp-file (getenv "SPANFILL_RESULT")
  (insert (json-serialize (vconcat (reverse spanfill-checks)) :false-object :json-false)))
(kill-emacs 0)
