@echo off
rem Installs mchdb beside this file, from this folder alone: no network, no administrator.
chcp 65001 >nul
setlocal
cd /d "%~dp0"
if exist mchdb\installed goto ready
set PYTHON=py -3.11
py -3.11 -c "" >nul 2>nul || set PYTHON=python
%PYTHON% -c "import struct, sys; sys.exit(sys.version_info[:2] != (3, 11) or struct.calcsize('P') != 8)" 2>nul || goto no_python
%PYTHON% -m venv mchdb || goto failed
mchdb\Scripts\python -m pip install --quiet --no-index --find-links wheels --require-hashes -r requirements-edge-windows.lock || goto failed
echo.>mchdb\installed
:ready
set PATH=%~dp0mchdb\Scripts;%PATH%
cmd /k mchdb edge --help
exit /b
:no_python
echo Python 3.11 (64 ビット) が必要です。利用者用(管理者権限なし)で入れてから、もう一度開いてください。
echo Python 3.11 (64-bit) is required. Install it for this user (no administrator needed), then start again.
pause
exit /b 64
:failed
echo 導入できませんでした。フォルダ mchdb を消し、SHA256SUMS でファイルを確かめてから、もう一度開いてください。
echo The installation failed. Delete the folder mchdb, check the files with SHA256SUMS, then start again.
pause
exit /b 74
